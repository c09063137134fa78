"""Builds an n-gram language model in the ARPA format, with interpolated Witten-Bell smoothing.

    python tools/make_arpa.py dataset/fsdd/train.jsonl --out dataset/fsdd/words.arpa --order 2
    python tools/make_arpa.py texts.txt more.txt --out characters.arpa.gz --order 5 --unit character

Of a manifest (.jsonl) the transcripts are used, of other files every line.  With the count c(h w) of the word w after
the history h, the sum N(h) of these counts over w, and the number T(h) of distinct w,
    p(w | h) = (c(h w) + T(h) p(w | h')) / (N(h) + T(h)),   h' is h without its first word;
the unigrams are interpolated with the uniform distribution over all words, `<unk>` included (Witten and Bell 1991; Chen
and Goodman, https://arxiv.org/abs/cmp-lg/9606011, section 2.4).
"""

import argparse
import collections
import gzip
import json
import math
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)

from common.audio.language_model import BEGIN, END, UNKNOWN  # noqa: E402
from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser, positive_int  # noqa: E402
from common.errors import DataError, DataIssue, EnvironmentProblem  # noqa: E402
from common.files import read_lines  # noqa: E402


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("texts", nargs="+", type=pathlib.Path, help="manifests, or files with one text a line")
    options.add_argument("--out", type=pathlib.Path, required=True, help="output file; .gz is compressed")
    options.add_argument("--order", type=positive_int, default=3, help="order of the n-grams (default 3)")
    options.add_argument(
        "--unit", choices=["word", "character"], default="word", help="unit of the n-grams (default word)"
    )
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the language model."""
    texts = [units(text, args.unit) for path in args.texts for text in read_texts(path)]
    grams = witten_bell(texts, args.order)
    data = "".join(f"{line}\n" for line in arpa_lines(grams, args.order)).encode()
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_bytes(gzip.compress(data, mtime=0) if args.out.suffix == ".gz" else data)
    except OSError as error:
        raise EnvironmentProblem(f"--out {args.out}: {error.strerror}") from error
    sizes = ", ".join(f"{sum(len(gram) == k for gram in grams)}" for k in range(1, args.order + 1))
    sys.stdout.write(f"{args.out}: {len(texts)} texts, n-grams of 1 to {args.order}: {sizes}\n")


def read_texts(path):
    """The texts of a file that are not empty (iterator of str); raises DataError for a line without one."""
    for number, line in enumerate(read_lines(path), 1):
        if path.suffix == ".jsonl" and line.strip():
            try:
                line = json.loads(line)["text"].strip()
            except (ValueError, KeyError, TypeError, AttributeError):
                issue = DataIssue("D118", "error", str(path), "not an object with a 'text'", place=f"line {number}")
                raise DataError(str(issue)) from None
        if line.strip():
            yield line


def units(text, unit):
    """The words of a text, or its characters with `<space>` between words."""
    words = text.split()
    return words if unit == "word" else ["<space>" if letter == " " else letter for letter in " ".join(words)]


def witten_bell(texts, order):
    """The n-grams of a model, {words: (probability of the last word, back-off weight or None)}.

    Args:
        texts (list[list[str]]): words, without sentence markers.
        order (int): order of the longest n-grams.

    Raises:
        DataError: there is no word, or a word is a sentence marker or <unk>.
    """
    counts = collections.Counter()
    for words in texts:
        marked = [BEGIN, *words, END]
        for size in range(1, order + 1):
            counts.update(tuple(marked[k : k + size]) for k in range(len(marked) - size + 1))
    odd = {BEGIN, END, UNKNOWN} & {word for words in texts for word in words}
    if not texts or odd:
        raise DataError(f"the texts hold {'the words ' + ', '.join(sorted(odd)) if odd else 'no word'}")
    counts.pop((BEGIN,))
    total, distinct = collections.Counter(), collections.Counter()
    for gram, count in counts.items():
        total[gram[:-1]] += count
        distinct[gram[:-1]] += 1
    words = distinct[()] + 1  # and <unk>
    probability = {}
    for gram in sorted(counts, key=len):
        history = gram[:-1]
        below = probability[gram[1:]] if history else 1 / words
        probability[gram] = (counts[gram] + distinct[history] * below) / (total[history] + distinct[history])
    probability[(UNKNOWN,)] = distinct[()] / words / (total[()] + distinct[()])
    probability[(BEGIN,)] = 0.0
    weight = {history: distinct[history] / (total[history] + distinct[history]) for history in total if history}
    return {gram: (p, weight.get(gram)) for gram, p in probability.items()}


def arpa_lines(grams, order):
    """The lines of an ARPA file.

    Args:
        grams (dict): the result of :func:`witten_bell`.
        order (int): order of the longest n-grams.
    """
    by_size = [sorted(gram for gram in grams if len(gram) == size) for size in range(1, order + 1)]
    yield "\\data\\"
    yield from (f"ngram {size}={len(entries)}" for size, entries in enumerate(by_size, 1))
    for size, entries in enumerate(by_size, 1):
        yield from ("", f"\\{size}-grams:")
        for gram in entries:
            p, weight = grams[gram]
            line = f"{math.log10(p) if p else -99:.7f}\t{' '.join(gram)}"
            yield line if weight is None else f"{line}\t{math.log10(weight):.7f}"
    yield from ("", "\\end\\")


if __name__ == "__main__":
    main()
