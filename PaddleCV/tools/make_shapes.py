"""Creates a small segmentation dataset: disks, squares and triangles on a textured ground, with masks and lists.

python PaddleCV/tools/make_shapes.py --out dataset/shapes
"""

import os
import pathlib
import shutil
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402

LABELS = ("ground", "disk", "square", "triangle")
LEAST, MOST = 2, 4  # shapes of an image


def make_shapes(out, train=24, evaluation=8, size=64, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `images/*.png`, `masks/*.png`, `train.txt`, `val.txt` (`image mask` a line) and `labels.txt`.

    Args:
        out (str | Path): output folder.
        train (int): number of training images.
        evaluation (int): number of evaluation images.
        size (int): side of an image in pixels.
        seed (int): random seed; the same seed gives the same files.
    """
    out = pathlib.Path(out)
    for name, value, least in (("train", train, 1), ("eval", evaluation, 1), ("size", size, 16), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for folder in ("images", "masks"):
            (temporary / folder).mkdir(parents=True)
        for number, (split, count) in enumerate((("train", train), ("val", evaluation))):
            lines = [
                write_pair(temporary, f"{split}_{index:04d}.png", size, (seed, number, index)) for index in range(count)
            ]
            (temporary / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
        (temporary / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_pair(folder, name, size, seeds):
    """Writes an image and its mask; returns their line of the list."""
    import cv2

    for kind, pixels in zip(("images", "masks"), draw_scene(size, seeds)):
        pixels = pixels[..., ::-1] if pixels.ndim == 3 else pixels
        (folder / kind / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return f"images/{name} masks/{name}\n"


def draw_scene(size, seeds):
    """An image RGB uint8 [size, size, 3] and its mask uint8 [size, size], a function of the seeds."""
    import cv2
    import numpy as np

    from common.data.transform import random_for

    rng = random_for(*seeds)
    ground = cv2.resize(rng.uniform(0, 90, (size // 4, size // 4, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
    image, mask = ground + rng.normal(0, 6, ground.shape), np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(LEAST, MOST + 1)):
        kind, radius = int(rng.integers(1, len(LABELS))), rng.uniform(0.1, 0.22) * size
        center = rng.uniform(radius, size - radius, 2)
        shape = np.zeros_like(mask)
        if kind == 1:
            cv2.circle(shape, tuple(center.astype(int).tolist()), int(radius), 1, cv2.FILLED)
        else:
            corners = 6 - kind  # 4 of a square, 3 of a triangle
            angles = rng.uniform(0, 2 * np.pi) + np.arange(corners) * 2 * np.pi / corners
            points = center + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
            cv2.fillPoly(shape, [np.rint(points).astype(np.int32)], 1)
        color = rng.uniform(120, 255, 3)
        image[shape > 0] = color + rng.normal(0, 6, (int(shape.sum()), 3))
        mask[shape > 0] = kind
    return image.clip(0, 255).round().astype(np.uint8), mask


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_shapes.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_shapes.py --out dataset/shapes",
    )
    options.add_made_set("dataset/shapes", 24, 8, 64)
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_shapes(args.out, args.train, args.eval, args.size, args.seed)
    logger.info("%s written: %d + %d images of %d pixels", args.out, args.train, args.eval, args.size)


if __name__ == "__main__":
    main()
