"""Creates a small set of videos: a square that moves left, right, up or down over noise.

python PaddleCV/tools/make_actions.py --out dataset/actions
"""

import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError, EnvironmentProblem  # noqa: E402
from common.log import logger  # noqa: E402

MOVES = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}  # down, across
RATE = 8.0  # frames per second


def make_actions(out, train=12, evaluation=4, size=48, frames=24, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `<split>/<move>_<number>.mp4`, `train_list.txt` and `val_list.txt` (a path and a class id per line) and
    `labels.txt`.

    Args:
        out (str | Path): output folder.
        train (int): training videos per class.
        evaluation (int): evaluation videos per class.
        size (int): side of a frame in pixels.
        frames (int): frames of a video.
        seed (int): random seed.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for part, (split, count) in enumerate((("train", train), ("val", evaluation))):
            (temporary / split).mkdir(parents=True)
            lines = []
            for label, move in enumerate(MOVES):
                for number in range(count):
                    name = f"{split}/{move}_{number:03d}.mp4"
                    video = draw_move(MOVES[move], size, frames, random_for(seed, part, label, number))
                    write_video(temporary / name, video, RATE)
                    lines.append(f"{name} {label}\n")
            (temporary / f"{split}_list.txt").write_text("".join(lines), encoding="utf-8")
        (temporary / "labels.txt").write_text("".join(f"{move}\n" for move in MOVES), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def draw_move(direction, size, frames, rng):
    """A video of a square that crosses the frame, uint8 [frames, size, size, 3].

    Args:
        direction (tuple[int, int]): down and across, each -1, 0 or 1.
        size (int): side of a frame in pixels.
        frames (int): number of frames.
        rng (Generator): place, color and noise.
    """
    side = size // 4
    video = rng.integers(0, 60, (frames, size, size, 3), dtype=np.uint8)
    color = rng.integers(120, 256, 3)
    aside = rng.integers(0, size - side + 1, 2)
    for number, step in enumerate(np.linspace(0, size - side, frames).round().astype(int)):
        top, left = (
            fixed if not sign else step if sign > 0 else size - side - step for sign, fixed in zip(direction, aside)
        )
        video[number, top : top + side, left : left + side] = color
    return video


def write_video(path, frames, rate):
    """Writes frames uint8 [T, H, W, 3] as an MP4 file; raises EnvironmentProblem if it cannot be written."""
    import cv2

    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate, (width, height))
    if not writer.isOpened():
        raise EnvironmentProblem(f"{path}: OpenCV cannot write a video here")
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_actions.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_actions.py --out dataset/actions",
    )
    options.add_made_set("dataset/actions", 12, 4, 48, "videos per class")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_actions(args.out, args.train, args.eval, args.size, seed=args.seed)
    logger.info("%s written: videos of %d pixels, %d classes", args.out, args.size, len(MOVES))


if __name__ == "__main__":
    main()
