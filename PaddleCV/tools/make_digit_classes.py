"""Creates a small classification dataset: the handwritten digits of scikit-learn, with class folders and lists.

python PaddleCV/tools/make_digit_classes.py --out dataset/digit_classes
"""

import importlib
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


def make_digit_classes(out, train=0, evaluation=0, size=32, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `train/<digit>/*.png`, `val/<digit>/*.png`, `train_list.txt`, `val_list.txt` and `labels.txt`.

    Args:
        out (str | Path): output folder.
        train (int): training images per class; 0 for all, about 144.
        evaluation (int): evaluation images per class; 0 for all, about 36.
        size (int): side of an image in pixels.
        seed (int): random seed of the split.
    """
    out = pathlib.Path(out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    digits = importlib.import_module(f"{KIT.name}.data.digits")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for split, source, limit in (("train", "train", train), ("val", "eval", evaluation)):
            images, values = digits.split_digits(seed)[source]
            lines = write_split(temporary, split, images, values, limit, size)
            (temporary / f"{split}_list.txt").write_text("".join(lines), encoding="utf-8")
        (temporary / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)), encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_split(folder, split, images, values, limit, size):
    """Writes the images of a split, at most `limit` per class (0 for all); returns the lines of its list."""
    import cv2

    lines, counts = [], dict.fromkeys(range(10), 0)
    for image, value in zip(images, values.tolist()):
        if limit and counts[value] >= limit:
            continue
        name = f"{split}/{value}/{counts[value]:03d}.png"
        counts[value] += 1
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        large = cv2.resize(image * (255 / 16), (size, size), interpolation=cv2.INTER_CUBIC)
        data = cv2.imencode(".png", large.clip(0, 255).round().astype("uint8"))[1]
        (folder / name).write_bytes(data.tobytes())
        lines.append(f"{name} {value}\n")
    return lines


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_digit_classes.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_digit_classes.py --out dataset/digit_classes",
    )
    options.add_argument("--out", default="dataset/digit_classes", help="output folder (default: %(default)s)")
    options.add_argument("--train", type=int, default=0, help="training images per class (default: all)")
    options.add_argument("--eval", type=int, default=0, help="evaluation images per class (default: all)")
    options.add_argument("--size", type=int, default=32, help="side of an image in pixels (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed of the split (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    make_digit_classes(args.out, args.train, args.eval, args.size, args.seed)
    logger.info("%s written: handwritten digits of %d pixels", args.out, args.size)


if __name__ == "__main__":
    main()
