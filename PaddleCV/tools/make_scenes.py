"""Creates made laser scans with cars in KITTI's layout: a ground, boxes seen from one side, and clutter.

python PaddleCV/tools/make_scenes.py --out dataset/scenes
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
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402
from common.vision.image_frame import image_boxes, observation_angles  # noqa: E402

IMAGE = (1242, 375)  # pixels of its image, which is not made
GROUND = 1.65  # meters that the camera is above the ground
CALIBRATION = {
    "P2": "721.5 0 609.6 0 0 721.5 172.9 0 0 0 1 0",
    "R0_rect": "1 0 0 0 1 0 0 0 1",
    "Tr_velo_to_cam": "0 -1 0 0 0 0 -1 0 1 0 0 0",
}


def made_scene(points, rng):
    """Points float32 [points, 4] of a scanner (x forward, y left, z up, intensity) and boxes [G, 7] of the camera."""
    count = int(rng.integers(1, 4))
    slots = rng.permutation(5)[:count]
    boxes = np.array(
        [
            [
                *((slot - 2) * 5 + rng.uniform(-0.5, 0.5), GROUND, rng.uniform(8, 24)),
                *(np.array([1.5, 1.6, 3.9]) * rng.uniform(0.9, 1.1)),
                rng.uniform(-np.pi, np.pi),
            ]
            for slot in slots
        ]
    )
    share = points // (2 * count)
    parts = [car_points(box, share, rng) for box in boxes]
    rest = points - share * count
    place = np.stack([rng.uniform(-12, 12, rest), np.full(rest, GROUND), rng.uniform(4, 28, rest)], 1)
    place[: rest // 4, 1] -= rng.uniform(0, 2, rest // 4)  # clutter
    camera = np.concatenate([*parts, place + 0.02 * rng.normal(size=place.shape)])
    camera = camera[rng.permutation(len(camera))]
    scan = np.stack([camera[:, 2], -camera[:, 0], -camera[:, 1], rng.random(len(camera))], 1)
    return scan.astype(np.float32), boxes


def car_points(box, count, rng):
    """Points [count, 3] on the sides and the top of a box, a little inside."""
    inside = rng.uniform(-0.47, 0.47, (count, 3))
    face = rng.integers(0, 3, count)
    inside[face == 0, 0] = 0.47 * np.sign(inside[face == 0, 0])
    inside[face == 1, 2] = 0.47 * np.sign(inside[face == 1, 2])
    inside[face == 2, 1] = -0.47
    along, height, across = inside[:, 0] * box[5], (inside[:, 1] - 0.5) * box[3], inside[:, 2] * box[4]
    cosine, sine = np.cos(box[6]), np.sin(box[6])
    return np.stack(
        [box[0] + cosine * along + sine * across, box[1] + height, box[2] - sine * along + cosine * across], 1
    )


def label_line(box):
    """The line of a box in KITTI's labels, with the box around it in the image."""
    projection = np.array([float(field) for field in CALIBRATION["P2"].split()]).reshape(3, 4)
    image = image_boxes(box[None], projection, IMAGE)[0]
    alpha = observation_angles(box[None])[0]
    return "Car 0.00 0 " + " ".join(f"{value:.2f}" for value in [alpha, *image, *box[3:6], *box[:3], box[6]])


def make_scenes(out, train=24, evaluation=8, points=512, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    Args:
        out (str | Path): output folder.
        train (int): frames to train on.
        evaluation (int): frames to evaluate.
        points (int): of a frame.
        seed (int): random seed.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary, number = out.with_name(f"{out.name}.tmp-{os.getpid()}"), 0
    try:
        for folder in ("ImageSets", "training/velodyne", "training/calib", "training/label_2"):
            (temporary / folder).mkdir(parents=True)
        for split, count in (("train", train), ("val", evaluation)):
            names = []
            for _ in range(count):
                scan, boxes = made_scene(points, random_for(seed, number))
                name, number = f"{number:06d}", number + 1
                (temporary / f"training/velodyne/{name}.bin").write_bytes(scan.astype("<f4").tobytes())
                calib = "".join(f"{key}: {value}\n" for key, value in CALIBRATION.items())
                (temporary / f"training/calib/{name}.txt").write_text(calib, encoding="utf-8")
                lines = "".join(f"{label_line(box)}\n" for box in boxes)
                (temporary / f"training/label_2/{name}.txt").write_text(lines, encoding="utf-8")
                names.append(f"{name}\n")
            (temporary / f"ImageSets/{split}.txt").write_text("".join(names), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_scenes.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_scenes.py --out dataset/scenes",
    )
    options.add_argument("--out", default="dataset/scenes", help="output folder (default: %(default)s)")
    options.add_argument("--train", type=int, default=24, help="frames to train on (default: %(default)s)")
    options.add_argument("--eval", type=int, default=8, help="frames to evaluate (default: %(default)s)")
    options.add_argument("--points", type=int, default=512, help="points of a frame (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_scenes(args.out, args.train, args.eval, args.points, args.seed)
    logger.info("%s written: %d and %d frames", args.out, args.train, args.eval)


if __name__ == "__main__":
    main()
