"""Rows of texts in columns, separated by tabs or as CSV."""

import csv

import numpy as np

from common.errors import BadRows, ConfigError
from common.table.csv_lines import split_line
from common.table.rows import RowFiles
from common.table.words import known_rule, split_text

from .criteo import labels_of
from .sessions import pad_words


class TextRows(RowFiles):
    """A stream of rows of named columns, each a text.

    A column named `label` is 0 or 1.  Columns of the same name are concatenated.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        columns (list[str]): column names, from left to right.
        single (list[str]): columns that hold one value rather than a text, such as a class.
        separator (str): between columns; with a comma, fields may be quoted.
        words (str): tokenization: `whitespace`, or `letters` for lower-case runs of letters and digits, which the
            transform SplitTexts repeats for the texts that an exported model is given.
        max_length (int): the first words of a text that are used.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.
    """

    def __init__(
        self,
        files,
        columns=("text",),
        single=(),
        separator="\t",
        words="whitespace",
        max_length=200,
        shuffle=0,
        seed=0,
        encoding="utf-8",
    ):
        super().__init__(files, shuffle, seed=seed, encoding=encoding)
        unknown = set(single) - set(columns)
        if unknown or not columns:
            raise ConfigError(f"single names {sorted(unknown)}, columns are {list(columns)}")
        self.columns, self.single, self.separator = list(columns), set(single), separator
        self.words, self.max_length = known_rule(words), max_length

    def assemble(self, rows):
        """Words [N, L] of each text, [N] of each single column, and `label` float32 [N] if there is one."""
        table, bad = [], {}
        for number, row in enumerate(self.decode(rows)):
            try:
                fields = self.fields(row.decode().rstrip("\r\n"))
            except csv.Error as error:
                fields, bad[number] = [], ("D118", str(error), row[:40].decode("utf-8", "replace"))
            if len(fields) != len(self.columns):
                text = f"{len(fields)} columns where {len(self.columns)} are expected"
                bad.setdefault(number, ("D118", text, row[:40].decode("utf-8", "replace")))
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
                found[name] = pad_words([self.split(text) for text in texts])
        return found

    def fields(self, line):
        """The fields of a line; raises csv.Error for one that is not valid CSV."""
        return split_line(line) if self.separator == "," else line.split(self.separator)

    def split(self, text):
        """The words of a text (list of bytes)."""
        return split_text(text, self.words, self.max_length)
