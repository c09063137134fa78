"""Texts with numbers: one of any size, or a 0 or 1 for each of several classes; tab-separated files with a header."""

import numpy as np

from common.files import read_lines

from .text_dataset import TextDataset, columns_of

TEXTS = ("text_a", "text_b", "qid")


class NumberedTexts(TextDataset):
    """Base class: a header names the columns `text_a`, maybe `text_b`, and those of numbers.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): names of the classes; null for none.
        columns (list[str]): column names of a file without a header.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, columns=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, labels, bad_samples)
        lines = read_lines(self.source, encoding)
        header = columns or (lines[0].split("\t") if lines else [])
        names = self.number_columns(header)
        places = columns_of(header, ("text_a", *names), ("text_b", "qid"), self.source)
        for number, line in enumerate(lines if columns else lines[1:], 1 if columns else 2):
            fields = line.split("\t")
            if len(fields) != len(places):
                what = f"{len(fields)} fields where {len(places)} are expected"
                self.error("D118", what, number, line[:60], fix="separate the fields by tabs; a field holds none")
                continue
            texts = {key: self.clean(fields[places[key]], number) for key in ("text_a", "text_b") if key in places}
            numbers = [self.read_number(fields[places[name]], name, number) for name in names]
            if None not in texts.values() and None not in numbers:
                self.samples.append(texts | self.target(numbers) | {"path": self.source, "place": f"line {number}"})
        self.finalize_numbers(names)

    def read_number(self, text, name, line):
        """A finite number (float); None after recording an error."""
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if np.isfinite(value) and self.allowed(value):
            return value
        self.error("D118", f"the column {name} is {text[:20]!r}, not {self.wants}", line)
        return None


class ScoredTexts(NumberedTexts):
    """Texts, or pairs of texts, with a number: columns `text_a`, `label` and optionally `text_b`.

    A sample has `text_a`, `text_b` if the file does, and `value` float32.

    Args:
        root (str): the folder.
        file (str): the file in it.
        columns (list[str]): column names of a file without a header.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    wants = "a finite number"

    def __init__(self, root, file, columns=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, None, columns, encoding, bad_samples)

    def number_columns(self, header):
        """The one column of numbers."""
        return ["label"]

    def allowed(self, value):
        """Every number."""
        return True

    def target(self, numbers):
        """The number of a sample."""
        return {"value": np.float32(numbers[0])}

    def finalize_numbers(self, names):
        """See `finalize`; there are no labels."""
        self.wanted = ["value"]
        self.finalize([])
        self.labels = None


class MultiLabelTexts(NumberedTexts):
    """Texts that may have several classes: a column `text_a`, and a column of 0 and 1 for each class.

    A sample has `text_a` and `label` float32 [C].

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): names of the columns of the classes; null takes all that are no texts.
        columns (list[str]): column names of a file without a header.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    wants = "0 or 1"

    def number_columns(self, header):
        """The columns of the classes."""
        self.wanted = self.wanted or [name.strip() for name in header if name.strip() not in TEXTS]
        return self.wanted

    def allowed(self, value):
        """0 and 1."""
        return value in (0, 1)

    def target(self, numbers):
        """The classes of a sample."""
        return {"label": np.array(numbers, np.float32)}

    def finalize_numbers(self, names):
        """See `finalize`: a class counts in every text that has it."""
        self.finalize(
            [name for sample in self.samples for name, one in zip(names, sample["label"], strict=True) if one]
        )
