"""Writes `src/text/unicode_tables.inc`: the classes and mappings of code points by which Python's tokenizers go.

The package tokenizers (WordPiece) and Python's str (words, n-grams) each follow a Unicode version of their own, so the
tables are asked of both, code point by code point, instead of taken from a Unicode library of another version.
`tests/deploy/test_cpp_texts.py` compares C++ with what is installed:

    .venv/bin/python deploy/cpp/make_unicode_tables.py
"""

import sys
import unicodedata
from pathlib import Path

TARGET = Path(__file__).parent / "src/text/unicode_tables.inc"
SEPARATOR = "|"  # mapped to itself by every function below
POINTS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
WIDTH = 118


def mapped(function):
    """What a function of texts makes of each code point by itself (dict of str)."""
    others = [point for point in POINTS if point != SEPARATOR]
    found = function(SEPARATOR.join(others)).split(SEPARATOR)
    if len(found) != len(others):
        raise ValueError(f"{len(found)} texts were made of {len(others)} code points")
    return {SEPARATOR: SEPARATOR, **dict(zip(others, found))}


def bert(**given):
    """A step of BERT's normalizer as a function of texts."""
    from tokenizers.normalizers import BertNormalizer

    steps = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return BertNormalizer(**{**steps, **given}).normalize_str


def bert_classes():
    """The classes of code points in BERT's tokenizer, and its lowercase."""
    from tokenizers.pre_tokenizers import BertPreTokenizer

    clean, padded = mapped(bert(clean_text=True)), mapped(bert(handle_chinese_chars=True))
    marks, lower = mapped(bert(strip_accents=True)), mapped(bert(lowercase=True))
    split = BertPreTokenizer().pre_tokenize_str
    return {
        "bert_dropped": [p for p in POINTS if clean[p] == ""],
        "bert_space": [p for p in POINTS if clean[p] == " "],
        "bert_chinese": [p for p in POINTS if padded[p] == f" {p} "],
        "bert_mark": [p for p in POINTS if marks[p] == ""],
        "bert_punctuation": [p for p in POINTS if len(split(f"a{p}a")) == 3],
    }, {p: text for p, text in lower.items() if text != p}


def python_classes():
    """The classes of code points in Python's str and re, and its lowercase."""
    upper_sigma, final = "\u03a3", "\u03c2"
    return {
        "python_space": [p for p in POINTS if p.isspace()],
        "python_word": [p for p in POINTS if p.isalnum() or p == "_"],
        # a sigma is final behind a cased letter, whatever ignorable ones stand between
        "python_ignorable": [p for p in POINTS if f"A{p}{upper_sigma}".lower()[-1] == final
                             and f"{p}{upper_sigma}".lower()[-1] != final],
        "python_cased": [p for p in POINTS if f"{p}{upper_sigma}".lower()[-1] == final],
    }, {p: p.lower() for p in POINTS if p.lower() != p}  # fmt: skip


def decompositions():
    """The canonical decompositions, and the combining class of code points where it is not 0."""
    from tokenizers.normalizers import NFD

    normalize = NFD().normalize_str
    found = {p: text for p, text in mapped(normalize).items() if text != p and not "\uac00" <= p <= "\ud7a3"}
    classes = {}
    for point in POINTS:
        if combining := unicodedata.combining(point):
            low, high = normalize(f"{point}\u0334")[0] != point, normalize(f"\u0345{point}")[-1] != point
            if low or high or combining == 240:
                classes[point] = combining
    return found, classes


def ranges(points):
    """Ranges of code points as distances: from the end of the last range to this one, and its length."""
    found, end = [], 0
    for code in map(ord, points):
        if found and code == end:
            found[-1] += 1
        else:
            found += [code - end, 1]
        end = code + 1
    return found


def pairs(mapping):
    """A mapping to one code point each, as runs: distance, length, step between the keys, and value minus key."""
    runs, end = [], 0
    items = [(ord(key), ord(value) - ord(key)) for key, value in mapping.items()]
    while items:
        (first, shift), step, count = items[0], 1, 1
        if len(items) > 1 and items[1][1] == shift:
            step = items[1][0] - first
            while count < len(items) and items[count] == (first + step * count, shift):
                count += 1
        if step > 2:
            step, count = 1, 1
        runs += [first - end, count, step, shift]
        end, items = first + step * (count - 1), items[count:]
    return runs


def texts(mapping):
    """A mapping to texts: distance between the keys, number of code points, and these."""
    found, end = [], 0
    for key, text in mapping.items():
        found += [ord(key) - end, len(text), *map(ord, text)]
        end = ord(key)
    return found


def table(name, numbers):
    """A table in C++."""
    lines, line = [f"constexpr std::int32_t {name}[] = {{"], "   "
    for number in numbers:
        if len(line) + len(str(number)) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {number},"
    return "\n".join([*lines, line, "};", ""])


def tables():
    """The text of the file."""
    import tokenizers

    head = (
        f"// Written by make_unicode_tables.py with tokenizers {tokenizers.__version__} and Python's Unicode "
        f"{unicodedata.unidata_version}.\n// Classes: distance from the last range, length. Runs of a mapping: "
        "distance, length, step, value minus key.\n// Texts of a mapping: distance of the key, length, code points.\n"
    )
    classes, bert_lower = bert_classes()
    of_python, python_lower = python_classes()
    canonical, combining = decompositions()
    parts = [table(name, ranges(points)) for name, points in (classes | of_python).items()]
    for name, lower in (("bert_lower", bert_lower), ("python_lower", python_lower)):
        parts.append(table(name, pairs({p: text for p, text in lower.items() if len(text) == 1})))
        parts.append(table(f"{name}_texts", texts({p: text for p, text in lower.items() if len(text) > 1})))
    parts.append(table("decomposed", texts(canonical)))
    by_class = {}
    for point, number in combining.items():
        by_class.setdefault(number, []).append(point)
    numbers = [n for number, points in sorted(by_class.items()) for n in (number, len(ranges(points)), *ranges(points))]
    parts.append(table("combining", numbers))
    return head + "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(tables(), encoding="utf-8")
