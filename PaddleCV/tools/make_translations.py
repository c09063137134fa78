"""Creates a small dataset for image generation: colored shapes with attributes, their outlines, and lists of both.

python PaddleCV/tools/make_translations.py --out dataset/translations
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

ATTRIBUTES = ("Round", "Red", "Large")


def make_translations(out, train=24, evaluation=8, size=32, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `images/*.png`, `outlines/*.png`, `pairs_train.txt` and `pairs_val.txt` (`outline<tab>image` a line),
    `train_a.txt` and `val_a.txt` (outlines), `train_b.txt` and `val_b.txt` (images), and `list_attr.txt` in the format
    of CelebA, the images for training first.

    Args:
        out (str | Path): output folder.
        train (int): number of training images.
        evaluation (int): number of evaluation images.
        size (int): side of an image in pixels.
        seed (int): random seed; the same seed gives the same files.
    """
    out = pathlib.Path(out)
    for name, value, least in (("train", train, 2), ("eval", evaluation, 2), ("size", size, 16), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for folder in ("images", "outlines"):
            (temporary / folder).mkdir(parents=True)
        rows = [f"{train + evaluation}\n", " ".join(ATTRIBUTES) + "\n"]
        for number, (split, count) in enumerate((("train", train), ("val", evaluation))):
            names = [f"{split}_{index:04d}.png" for index in range(count)]
            rows += [write_shape(temporary, name, size, (seed, number, k)) for k, name in enumerate(names)]
            lists = {
                f"pairs_{split}.txt": [f"outlines/{name}\timages/{name}\n" for name in names],
                f"{split}_a.txt": [f"outlines/{name}\n" for name in names],
                f"{split}_b.txt": [f"images/{name}\n" for name in names],
            }
            for file, lines in lists.items():
                (temporary / file).write_text("".join(lines), encoding="utf-8")
        (temporary / "list_attr.txt").write_text("".join(rows), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_shape(folder, name, size, seeds):
    """Writes an image and its outline; returns its line of the list of attributes."""
    import cv2

    image, outline, attributes = draw_shape(size, seeds)
    for kind, pixels in (("images", image), ("outlines", outline)):
        (folder / kind / name).write_bytes(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    return f"{name} " + " ".join("1" if value else "-1" for value in attributes) + "\n"


def draw_shape(size, seeds):
    """An image and its outline, RGB uint8 [size, size, 3], and its ATTRIBUTES (bools), a function of the seeds."""
    import cv2
    import numpy as np

    from common.data.transform import random_for

    rng = random_for(*seeds)
    attributes = rng.random(3) < 0.5
    is_round, red, large = attributes
    radius = int(size * (0.36 if large else 0.2))
    center = rng.integers(radius + 1, size - radius, 2)
    shape = np.zeros((size, size), np.uint8)
    if is_round:
        cv2.circle(shape, tuple(center.tolist()), radius, 1, cv2.FILLED)
    else:
        corner = center - radius
        shape[corner[1] : corner[1] + 2 * radius, corner[0] : corner[0] + 2 * radius] = 1
    color = np.array([220, 60, 50] if red else [60, 90, 220]) + rng.integers(-20, 21, 3)
    image = np.full((size, size, 3), 40) + rng.normal(0, 5, (size, size, 3))
    image[shape > 0] = color + rng.normal(0, 5, (int(shape.sum()), 3))
    outline = np.repeat((shape - cv2.erode(shape, np.ones((3, 3), np.uint8)))[..., None] * 255, 3, axis=2)
    outline[..., 1:] *= np.uint8(not red)  # a red outline for a red shape, so that the pairs can be learned
    return image.clip(0, 255).round().astype(np.uint8), outline.astype(np.uint8), attributes


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_translations.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_translations.py --out dataset/translations",
    )
    options.add_made_set("dataset/translations", 24, 8, 32)
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_translations(args.out, args.train, args.eval, args.size, args.seed)
    logger.info("%s written: %d + %d images of %d pixels", args.out, args.train, args.eval, args.size)


if __name__ == "__main__":
    main()
