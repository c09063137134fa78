"""Builds a vocabulary from a text file: its frequent characters, words or subwords, most frequent first.

python tools/make_vocabulary.py dataset/mine/train.tsv --out dataset/mine/vocab.txt
python tools/make_vocabulary.py dataset/mine/train.txt --columns text_a text_b label --unit words --out vocab.txt
"""

import json
import pathlib
import re
import sys
from collections import Counter

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import ConfigError, DataError  # noqa: E402
from common.files import read_lines  # noqa: E402
from common.text.vocabulary import frequent_tokens, write_tokens  # noqa: E402

SPECIAL = {"characters": ["[UNK]"], "words": ["[UNK]"], "subwords": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]}
SUBWORD = re.compile(r"[a-z0-9]+|\S")
TEXTS = ("text_a", "text_b", "context", "question", "context_text", "query_text")


def parser():
    """The command-line parser."""
    options = Parser(
        prog="make_vocabulary.py", description=__doc__.splitlines()[0], epilog="\n".join(__doc__.splitlines()[2:])
    )
    options.add_argument("texts", help="TSV with a header, LAC's format, JSON lines (.jsonl), or SQuAD's JSON")
    options.add_argument("--columns", nargs="+", metavar="NAME", help="column names of a file without a header")
    options.add_argument(
        "--unit", choices=sorted(SPECIAL), default="characters", help="token unit (default characters)"
    )
    options.add_argument(
        "--unknown", default="[UNK]", metavar="TOKEN", help="the token that stands for all others (default [UNK])"
    )
    options.add_argument("--min-count", type=int, default=2, help="drop tokens that occur less often (default 2)")
    options.add_argument("--out", required=True, metavar="FILE", help="output file")
    return options


def texts_of(file, columns):
    """The texts of a file (iterable of str).

    Raises:
        ConfigError: no column is known.
        DataError: the file is not valid JSON.
    """
    lines = read_lines(file)
    if file.endswith((".json", ".jsonl")):
        try:
            trees = [json.loads("\n".join(lines))] if file.endswith(".json") else map(json.loads, lines)
            return [text for tree in trees for text in texts_in(tree)]
        except ValueError as error:
            raise DataError(f"{file}: not JSON: {error}") from None
    header = columns or (lines[0].split("\t") if lines else [])
    places = [k for k, name in enumerate(header) if name.strip() in TEXTS]
    if not places:
        raise ConfigError(f"{file}: line 1: no column is named {' or '.join(TEXTS)}; name the columns by --columns")
    rows = (line.split("\t") for line in (lines if columns else lines[1:]))
    return [row[k].replace("\x02", "") for row in rows for k in places if k < len(row)]


def texts_in(tree):
    """The texts of parsed JSON: the strings under a key of TEXTS, at any depth."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from texts_in(value)
        elif key in TEXTS and isinstance(value, str):
            yield value


def tokens_of(text, unit):
    """The tokens of a text (list of str)."""
    if unit == "words":
        return text.split()
    return SUBWORD.findall(text.lower()) if unit == "subwords" else list(text)


def vocabulary(texts, unit, min_count, unknown="[UNK]"):
    """The special tokens, of which `unknown` is one, then those that occur `min_count` times.

    Returns:
        list[str]: the most frequent first.
    """
    counts = Counter(token for text in texts for token in tokens_of(text, unit))
    common = frequent_tokens(counts, min_count)
    if unit == "subwords":
        letters = sorted({letter for token in counts for letter in token if len(token) > 1})
        known = set(common)
        common += [letter for letter in letters if letter not in known] + [f"##{letter}" for letter in letters]
    special = [unknown if name == "[UNK]" else name for name in SPECIAL[unit]]
    return [*special, *(token for token in common if token not in special)]


def write(args):
    """Writes the vocabulary."""
    tokens = vocabulary(texts_of(args.texts, args.columns), args.unit, args.min_count, args.unknown)
    write_tokens(pathlib.Path(args.out), tokens)
    sys.stdout.write(f"{args.out}: {len(tokens)} tokens; set vocab_size of the model to {len(tokens)}\n")


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
