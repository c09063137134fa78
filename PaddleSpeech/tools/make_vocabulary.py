"""Builds a character vocabulary from the transcripts of manifests, one character a line.

python tools/make_vocabulary.py dataset/mine/train.jsonl --out dataset/mine/vocab.txt
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
from common.files import read_lines  # noqa: E402
from common.text.vocabulary import list_characters, write_tokens  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(prog="make_vocabulary.py", description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[2])
    options.add_argument("manifests", nargs="+", help="JSON lines with a `text`")
    options.add_argument("--min-count", type=int, default=1, help="drop characters that occur less often (default 1)")
    options.add_argument("--out", required=True, metavar="FILE", help="output file")
    return options


def texts_of(manifest):
    """The transcripts of a manifest (list of str).

    Raises:
        DataError: a line has no transcript.
    """
    texts = []
    for number, line in enumerate(read_lines(manifest), 1):
        if line.strip():
            try:
                texts.append(" ".join(json.loads(line)["text"].split()))
            except (ValueError, KeyError, TypeError, AttributeError):
                issue = DataIssue("D118", "error", manifest, 'not an object with a "text"', f"line {number}", line[:60])
                raise DataError(str(issue)) from None
    return texts


def write(args):
    """Writes the vocabulary."""
    tokens = list_characters([text for manifest in args.manifests for text in texts_of(manifest)], args.min_count)
    if not tokens:
        raise DataError(str(DataIssue("D117", "error", args.manifests[0], "no character occurs --min-count times")))
    write_tokens(pathlib.Path(args.out), tokens)
    sys.stdout.write(f"{args.out}: {len(tokens)} characters; {len(tokens) + 1} classes with the blank\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
