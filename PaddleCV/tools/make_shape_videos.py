"""Creates videos of colored shapes that move, as files of features, with a sentence about each movement.

python PaddleCV/tools/make_shape_videos.py --out dataset/shape_videos
"""

import json
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
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402

SIZE, GRID, RATE = 64, 8, 8  # pixels of a side, cells of a side, frames per second
COLORS = {"red": (220, 40, 40), "green": (40, 200, 60), "blue": (50, 80, 230), "yellow": (225, 215, 50)}
SHAPES = ("square", "circle", "triangle")
MOVES = {"left": (-2, 0), "right": (2, 0), "up": (0, -2), "down": (0, 2)}  # pixels a frame
WORDS = ["<s>", "<e>", "<unk>", "a", "moves", "then", *COLORS, *SHAPES, *MOVES]
FEATURES = 3 * GRID * GRID + 8 + 4


def make_shape_videos(out, train=600, val=100, test=200, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    In a video two shapes appear one after the other, rest, move, such as "a red square moves left then up", and rest
    again. `out` gets `features/<name>.npz` (features float16 [T, 204], see :func:`frame_features`, and duration in
    seconds), `train.json`, `val.json` and `test.json` in the form of ActivityNet Captions, `vocab.txt`, and of the test
    videos the movements alone, `events/<name>_<number>.npz`.

    Args:
        out (str | Path): output folder.
        train (int): training videos.
        val (int): videos to choose settings on.
        test (int): videos to test with.
        seed (int): random seed.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for folder in ("features", "events"):
            (temporary / folder).mkdir(parents=True)
        for split, (name, count) in enumerate({"train": train, "val": val, "test": test}.items()):
            about = {}
            for number in range(count):
                frames, events = draw_video(random_for(seed, split, number))
                video = f"{name}_{number:04d}"
                features = frame_features(frames).astype(np.float16)
                save_features(temporary / "features" / f"{video}.npz", features)
                for place, (start, end, _) in enumerate(events if name == "test" else (), 1):
                    save_features(temporary / "events" / f"{video}_{place}.npz", features[start:end])
                about[video] = {
                    "duration": len(frames) / RATE,
                    "timestamps": [[start / RATE, end / RATE] for start, end, _ in events],
                    "sentences": [sentence for *_, sentence in events],
                }
            (temporary / f"{name}.json").write_text(json.dumps(about, indent=0), encoding="utf-8")
        (temporary / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def save_features(path, features):
    """Writes a file of features and the duration of its frames."""
    np.savez(path, features=features, duration=np.float64(len(features) / RATE))


def draw_video(rng):
    """A video: frames float32 [T, 64, 64, 3], 0 to 1, and its events, tuples of first frame, end and sentence."""
    frames, events = [draw_nothing(rng, rng.integers(0, 8))], []
    kinds = rng.permutation(len(COLORS) * len(SHAPES))[:2]
    for kind in kinds:
        color, shape = list(COLORS)[kind % len(COLORS)], SHAPES[kind // len(COLORS)]
        moves = rng.permutation(list(MOVES))[: rng.integers(1, 3)].tolist()
        steps = np.repeat([MOVES[move] for move in moves], rng.integers(8, 13, len(moves)), 0)
        rest = rng.integers(3, 9, 2)
        path = np.concatenate([np.zeros((rest[0], 2)), np.cumsum(steps, 0), np.zeros((rest[1], 2))])
        path[rest[0] + len(steps) :] = steps.sum(0)
        start = sum(map(len, frames)) + int(rest[0])
        events.append((start, start + len(steps), f"a {color} {shape} moves {' then '.join(moves)}"))
        frames += [draw_shape(rng, COLORS[color], shape, path), draw_nothing(rng, rng.integers(0, 8))]
    return np.concatenate(frames), events


def draw_nothing(rng, count):
    """Frames without a shape, float32 [count, 64, 64, 3]: dim noise."""
    return rng.uniform(0, 0.12, (count, SIZE, SIZE, 3)).astype(np.float32)


def draw_shape(rng, color, shape, path):
    """Frames of a shape that follows a path, pixels [T, 2], from a place where it stays in the frame."""
    radius = rng.uniform(6, 9)
    low, high = radius - path.min(0), SIZE - radius - path.max(0)
    centers = path + rng.uniform(low, high)
    shade = np.clip(np.array(color) / 255 + rng.uniform(-0.1, 0.1, 3), 0, 1)
    frames = draw_nothing(rng, len(path))
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    for frame, (across, down) in zip(frames, centers):
        frame[inside(shape, (x - across) / radius, (y - down) / radius)] = shade
    return frames


def inside(shape, x, y):
    """True where points, in radii from the center, are in a shape."""
    if shape == "square":
        return (abs(x) < 0.9) & (abs(y) < 0.9)
    if shape == "circle":
        return x * x + y * y < 1
    return (y < 0.8) & (y > 2 * abs(x) - 1)


def frame_features(frames):
    """Features of frames [T, 64, 64, 3], 0 to 1: float64 [T, 204].

    They are the mean red, green and blue of a grid of 8 x 8 cells (192); a histogram of the directions of edges, eight
    parts of half a turn, weighted by their strength, the sum being 1 (8); and how far the center of the colored pixels
    has moved since the frame before to the left, right, up and down, in pixels divided by 2 (4).
    """
    count, cell = len(frames), SIZE // GRID
    cells = frames.reshape(count, GRID, cell, GRID, cell, 3).mean((2, 4)).reshape(count, -1)
    colored = np.ptp(frames, -1) > 0.25
    bright = frames.max(-1) * colored
    down, across = np.gradient(bright, axis=(1, 2))
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) / np.pi * 8 + 0.5).astype(np.int64) % 8
    edges = np.stack([(strength * (direction == part)).sum((1, 2)) for part in range(8)], 1)
    edges /= np.maximum(edges.sum(1, keepdims=True), 1e-6)
    return np.concatenate([cells, edges, movement(colored)], 1)


def movement(colored):
    """Movement of the center of the pixels that are True, [T, 64, 64], to the left, right, up and down, [T, 4]."""
    amount = colored.sum((1, 2))
    places = np.arange(SIZE)
    centers = np.stack([(colored.sum(axis) * places).sum(1) for axis in (1, 2)], 1) / np.maximum(amount, 1)[:, None]
    seen = amount > 20
    moved = np.zeros_like(centers)
    moved[1:] = np.diff(centers, axis=0) * (seen[1:] & seen[:-1])[:, None] / 2
    return np.stack([np.maximum(sign * moved[:, axis], 0) for axis in (0, 1) for sign in (-1, 1)], 1)


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_shape_videos.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_shape_videos.py --out dataset/shape_videos",
    )
    options.add_argument("--out", default="dataset/shape_videos", help="output folder (default: %(default)s)")
    for name, count in (("train", 600), ("val", 100), ("test", 200)):
        options.add_argument(f"--{name}", type=positive_int, default=count, help="videos (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_shape_videos(args.out, args.train, args.val, args.test, args.seed)
    logger.info("%s written: %d videos", args.out, args.train + args.val + args.test)


if __name__ == "__main__":
    main()
