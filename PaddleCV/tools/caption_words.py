"""Writes the vocabulary of captions: the special tokens and the most frequent words of the sentences of annotations.

python PaddleCV/tools/caption_words.py --annotations train.json --out vocab.txt --most 1000
"""

import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.log import logger  # noqa: E402
from common.text.vocabulary import frequent_tokens, write_tokens  # noqa: E402

SPECIAL = ["<s>", "<e>", "<unk>"]


def caption_words(annotations, least=1, most=None):
    """The vocabulary of a file in the form of ActivityNet Captions (list[str]), the special tokens first.

    Args:
        annotations (str): the file.
        least (int): how often a word occurs at least.
        most (int | None): words at most, the special tokens among them.

    Raises:
        DataError: the file is no such file, or has no words.
    """
    captions = importlib.import_module(f"{KIT.name}.data.captions")
    words = [word for text in captions.read_sentences(annotations) for word in captions.clean_sentence(text).split()]
    if not words:
        raise DataError(f"error[D117] {annotations}: no sentences")
    found = SPECIAL + [word for word in frequent_tokens(words, least) if word not in SPECIAL]
    return found[:most]


def parser():
    """The command-line parser."""
    options = Parser(
        prog="caption_words.py",
        description=__doc__.splitlines()[0],
        epilog="example: python PaddleCV/tools/caption_words.py --annotations train.json --out vocab.txt --most 1000",
    )
    options.add_argument("--annotations", required=True, help="a JSON file in the form of ActivityNet Captions")
    options.add_argument("--out", required=True, help="the vocabulary file to write")
    options.add_argument("--least", type=positive_int, default=1, help="how often a word occurs (default: %(default)s)")
    options.add_argument("--most", type=positive_int, help="words at most, special tokens among them (default: all)")
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), run, argv)


def run(args):
    """Runs the command."""
    out = pathlib.Path(args.out)
    if out.exists():
        raise ConfigError(f"{out} exists; remove it, or give another --out")
    words = caption_words(args.annotations, args.least, args.most)
    write_tokens(out, words)
    logger.info("%s written: %d words", out, len(words))


if __name__ == "__main__":
    main()
