"""Splits the articles of a file in SQuAD's format into parts to train on, to choose settings by, and to test on.

python PaddleNLP/tools/make_questions.py dataset/xquad/xquad.en.json.gz --out dataset/xquad_en

Every sixth article is for the test, every sixth for the choice of settings; the paragraphs of an article stay together.
"""

import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import DataError, DataIssue  # noqa: E402
from common.files import parse_json, read_packed_lines  # noqa: E402

SPLITS = ("train", "train", "dev", "train", "train", "test")


def parser():
    """The command-line parser."""
    lines = __doc__.splitlines()
    options = Parser(prog="make_questions.py", description=lines[0], epilog="\n".join(lines[2:]))
    options.add_argument("source", metavar="FILE", help="a .json file of SQuAD's format, or .json.gz")
    options.add_argument("--out", required=True, metavar="FOLDER", type=pathlib.Path, help="output folder")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: make_questions(args.source, args.out), argv)


def make_questions(source, folder):
    """Writes train.json, dev.json and test.json.

    Raises:
        DataError: the file is not there, is no JSON, or has fewer articles than a round of splits.
    """
    try:
        articles = parse_json("\n".join(read_packed_lines(source)))["data"]
    except (ValueError, KeyError, TypeError):
        raise DataError(str(DataIssue("D113", "error", source, "not an object with the list 'data'"))) from None
    if not isinstance(articles, list) or len(articles) < len(SPLITS):
        raise DataError(str(DataIssue("D117", "error", source, f"fewer than {len(SPLITS)} articles cannot be split")))
    folder.mkdir(parents=True, exist_ok=True)
    for split in dict.fromkeys(SPLITS):
        part = [article for k, article in enumerate(articles) if SPLITS[k % len(SPLITS)] == split]
        text = json.dumps({"version": "1.1", "data": part}, ensure_ascii=False)
        (folder / f"{split}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
