"""Draws words with the fonts of this machine: images, lists of their texts, and the alphabet, to train recognizers on.

python PaddleCV/tools/make_words.py --out dataset/drawn_words --fonts FOLDER --text words.txt --train 20000
"""

import importlib
import json
import os
import pathlib
import re
import shutil
import string
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError  # noqa: E402
from common.log import logger  # noqa: E402
from common.text.vocabulary import SPACE  # noqa: E402

ALPHABETS = {
    "lower": string.digits + string.ascii_lowercase,
    "letters": string.digits + string.ascii_letters,
    "ascii": "".join(map(chr, range(32, 127))),
}
ENOUGH = 20  # fonts


def make_words(out, train=2000, evaluation=200, fonts=(), text=None, alphabet="lower", height=48, longest=14, seed=0):
    """Writes the dataset to a temporary folder next to `out`, which must not exist, and renames it.

    `out` gets `train/*.jpg`, `eval/*.jpg`, `train.txt` and `eval.txt` (a path, a tab and a text per line),
    `alphabet.txt` (a character per line) and `made_with.json`, which names the fonts.

    Args:
        out (str | Path): output folder.
        train (int): number of training images.
        evaluation (int): number of evaluation images.
        fonts (list[str]): font files and folders; empty for those of the system and of matplotlib.
        text (str | None): a text file whose words are drawn; None draws synthetic words and numbers.
        alphabet (str): lower (36 characters; capitals are drawn too, and written in lower case), letters (62) or ascii
            (95).
        height (int): of the images, in pixels.
        longest (int): characters of a word at most.
        seed (int): random seed; the same seed and fonts give the same files.

    Returns:
        int: the number of fonts.

    Raises:
        ConfigError: a number is out of range, or `out` exists.
        DataError: there is no font, or the text has no word.
    """
    out = pathlib.Path(out)
    numbers = (("train", train, 1), ("eval", evaluation, 1), ("height", height, 16), ("longest", longest, 1))
    for name, value, least in (*numbers, ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}; it must be at least {least}")
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    drawing = importlib.import_module(f"{KIT.name}.data.drawn_words")
    found = drawing.find_fonts(list(fonts), string.digits + string.ascii_letters)
    if len(found) < ENOUGH:
        logger.warning(
            "%d fonts were found: words drawn with fewer than %d teach little; --fonts FOLDER adds some, "
            "such as those of Debian's fonts-urw-base35, fonts-lato and fonts-dustin",
            len(found),
            ENOUGH,
        )
    words = words_of(text) if text else []
    drawn = drawing.DrawnWords(found, ALPHABETS[alphabet], words, height, longest, seed)
    if text and not drawn.words:
        raise ConfigError(f"--text {text}: has no word of the alphabet '{alphabet}' with at most {longest} characters")
    temporary = out.with_name(f"{out.name}.tmp-{os.getpid()}")
    try:
        for number, (split, count) in enumerate((("train", train), ("eval", evaluation))):
            write_words(temporary, split, number, count, drawn)
        lines = [SPACE if character == " " else character for character in ALPHABETS[alphabet]]
        (temporary / "alphabet.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        settings = {"train": train, "eval": evaluation, "alphabet": alphabet, "seed": seed, "text": text}
        settings["fonts"] = [pathlib.Path(path).name for path in found]
        (temporary / "made_with.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return len(found)


def words_of(path):
    """The words of a text file, each as often as it occurs (list[str])."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--text {path}: cannot be read: {error}") from error
    return re.findall(r"[^\W_]+", text)


def write_words(folder, split, number, count, drawn):
    """Writes the images of a split and its list."""
    import cv2

    (folder / split).mkdir(parents=True)
    lines = []
    for index in range(count):
        image, text = drawn.draw(number, index)
        name = f"{split}/{index:06d}.jpg"
        coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50 + index * 7 % 45])[1]
        (folder / name).write_bytes(coded.tobytes())
        lines.append(f"{name}\t{text}\n")
    (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_words.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/make_words.py --out dataset/drawn_words --train 20000 --text words.txt",
    )
    options.add_argument("--out", default="dataset/drawn_words", help="output folder (default: %(default)s)")
    options.add_argument("--train", type=int, default=2000, help="training images (default: %(default)s)")
    options.add_argument("--eval", type=int, default=200, help="evaluation images (default: %(default)s)")
    options.add_argument(
        "--fonts", nargs="+", default=[], help="font files and folders (default: those of the system and of matplotlib)"
    )
    options.add_argument("--text", help="a text file whose words are drawn (default: synthetic words)")
    options.add_argument(
        "--alphabet", choices=list(ALPHABETS), default="lower", help="36, 62 or 95 characters (default: %(default)s)"
    )
    options.add_argument("--height", type=int, default=48, help="of the images in pixels (default: %(default)s)")
    options.add_argument("--longest", type=int, default=14, help="characters of a word (default: %(default)s)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    fonts = make_words(
        args.out, args.train, args.eval, args.fonts, args.text, args.alphabet, args.height, args.longest, args.seed
    )
    logger.info("%s written: %d + %d words in %d fonts", args.out, args.train, args.eval, fonts)


if __name__ == "__main__":
    main()
