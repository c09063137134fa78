"""Draws pages of words with the fonts of this machine: images and outlines, and lines that are upright or upside down.

python PaddleCV/tools/make_text_pages.py --out dataset/text_pages --fonts FOLDER --text words.txt --train 2000
"""

import importlib
import json
import os
import pathlib
import shutil
import string
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.inference.text_reader import cut_line  # noqa: E402
from common.log import logger  # noqa: E402

SPLITS = (("train", "train"), ("eval", "val"))  # of the pages, and of the lines


def make_text_pages(out, train=400, evaluation=50, fonts=(), words=(), size=320, most=12, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `train/*.jpg`, `eval/*.jpg`, `train.txt` and `eval.txt` in the form of PaddleOCR, and the words cut out
    of the pages, `directions/{train,val}/{0,180}/*.jpg`, every second one turned upside down.

    Args:
        out (str | Path): output folder.
        train (int): number of training pages.
        evaluation (int): number of evaluation pages.
        fonts (list[str]): font files and folders; empty for those of the system and of matplotlib.
        words (list[str]): words to draw; empty for synthetic ones.
        size (int): height and width of a page in pixels.
        most (int): words of a page at most.
        seed (int): random seed; the same seed and fonts give the same files.

    Returns:
        int: the number of fonts.

    Raises:
        ConfigError: a number is out of range, or `out` exists.
        DataError: there is no font.
    """
    out = pathlib.Path(out)
    for name, value, least in (("train", train, 1), ("eval", evaluation, 1), ("size", size, 64), ("most", most, 1)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    drawing, pages = (importlib.import_module(f"{KIT.name}.data.{name}") for name in ("drawn_words", "drawn_pages"))
    characters = string.digits + string.ascii_letters
    found = drawing.find_fonts(list(fonts), characters)
    drawn = pages.DrawnPages(drawing.DrawnWords(found, characters, words, seed=seed), size, most, seed)
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for number, (names, count) in enumerate(zip(SPLITS, (train, evaluation))):
            write_pages(temporary, names, number, count, drawn)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return len(found)


def write_pages(folder, names, number, count, drawn):
    """Writes the pages of a split and their list, and their words by direction."""
    split, of_words = names
    for inside in (split, f"directions/{of_words}/0", f"directions/{of_words}/180"):
        (folder / inside).mkdir(parents=True)
    lines, words = [], 0
    for index in range(count):
        page, found = drawn.draw(number, index)
        name = f"{split}/{index:06d}.jpg"
        write(folder / name, page)
        listed = [{"transcription": text, "points": corners.round(2).tolist()} for text, corners in found]
        lines.append(f"{name}\t{json.dumps(listed)}\n")
        for _, corners in found:
            line, turned = cut_line(page, corners), words % 2
            direction = "180" if turned else "0"
            write(folder / f"directions/{of_words}/{direction}/{words:06d}.jpg", line[::-1, ::-1] if turned else line)
            words += 1
    (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")


def write(path, image):
    """Writes an RGB image as JPEG."""
    import cv2

    path.write_bytes(cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_text_pages.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_text_pages.py --out dataset/text_pages --train 2000",
    )
    options.add_argument("--out", default="dataset/text_pages", help="output folder (default: %(default)s)")
    options.add_argument("--train", type=int, default=400, help="training pages (default: %(default)s)")
    options.add_argument("--eval", type=int, default=50, help="evaluation pages (default: %(default)s)")
    options.add_argument(
        "--fonts", nargs="+", default=[], help="font files and folders (default: those of the system and of matplotlib)"
    )
    options.add_argument("--text", help="a text file whose words are drawn (default: synthetic words)")
    options.add_argument("--size", type=int, default=320, help="of a page in pixels (default: %(default)s)")
    options.add_argument("--most", type=int, default=12, help="words of a page at most (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    made = importlib.import_module(f"{KIT.name}.tools.make_words")
    words = made.words_of(args.text) if args.text else []
    fonts = make_text_pages(args.out, args.train, args.eval, args.fonts, words, args.size, args.most, args.seed)
    logger.info("%s written: %d + %d pages in %d fonts", args.out, args.train, args.eval, fonts)


if __name__ == "__main__":
    main()
