"""Rows of texts: columns of words, separated by tabs or as csv."""

import csv
import re

import numpy as np

from common.errors import BadRows, ConfigError
from common.table.rows import RowFiles

from .criteo import labels_of
from .sessions import padded

WORD = re.compile(r"\w+")


class TextRows(RowFiles):
    """A stream of rows of named columns, each a text of words.

    A column named `label` is 0 or 1.  Columns of the same name are one text.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        columns (list[str]): names, from left to right.
        single (list[str]): columns that are one word each, such as a class.
        separator (str): between columns; with a comma, fields may be in quotes.
        words (str): `blanks` takes what stands between blanks, `letters` runs of letters and digits in small letters.
        longest (int): words of a text that are used; the first ones.
        shuffle (int): rows that are read ahead and put in random order; 0 keeps the order of the files.
        seed (int): of the order.
    """

    def __init__(
        self, files, columns=("text",), single=(), separator="\t", words="blanks", longest=200, shuffle=0, seed=0
    ):
        super().__init__(files, shuffle, seed=seed)
        if words not in ("blanks", "letters"):
            raise ConfigError(f"words is '{words}'; it must be blanks or letters")
        unknown = set(single) - set(columns)
        if unknown or not columns:
            raise ConfigError(f"single names {sorted(unknown)}, columns are {list(columns)}")
        self.columns, self.single, self.separator = list(columns), set(single), separator
        self.words, self.longest = words, longest

    def assemble(self, rows):
        """Words [N, L] of each text, [N] of each single column, and `label` float32 [N] if it is a column."""
        table, bad = [], {}
        for number, row in enumerate(rows):
            fields = self.fields(row.decode("utf-8", "replace").rstrip("\r\n"))
            if len(fields) != len(self.columns):
                text = f"{len(fields)} columns where {len(self.columns)} are expected"
                bad[number] = ("D118", text, row[:40].decode("utf-8", "replace"))
            table.append(fields)
        if bad:
            raise BadRows(bad)
        found = {}
        for name in dict.fromkeys(self.columns):
            places = [place for place, column in enumerate(self.columns) if column == name]
            texts = [" ".join(fields[place] for place in places) for fields in table]
            if name == "label":
                found[name] = labels_of(np.array([text.strip().encode() for text in texts], "S"))
            elif name in self.single:
                found[name] = np.array([text.strip().encode() for text in texts], "S")
            else:
                found[name] = padded([self.split(text) for text in texts])
        return found

    def fields(self, line):
        """The fields of a line."""
        return next(csv.reader([line]), []) if self.separator == "," else line.split(self.separator)

    def split(self, text):
        """The words of a text, as bytes."""
        words = text.split() if self.words == "blanks" else WORD.findall(text.lower())
        return [word.encode() for word in words[: self.longest]]
