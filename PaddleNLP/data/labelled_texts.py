"""Texts, one or a pair of them, with a label: tab-separated files and JSON lines."""

import json

from common.files import read_lines

from .text_dataset import TextDataset, columns_of, in_order

NEEDED, OPTIONAL = ("text_a", "label"), ("text_b", "qid")


class LabelledTexts(TextDataset):
    """A header `text_a[<tab>text_b]<tab>label` in any order, then a sample a line; or an object a line (`.jsonl`).

    A sample has `text_a`, `text_b` where there is one, and `label`, its class number.

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): class names; null takes those of the file, sorted.
        columns (list[str]): the names of the columns of a file without a header.
        encoding (str): of the file.
        bad_samples (str): `error`, or `skip` lines with an error, a few.
    """

    def __init__(self, root, file, labels=None, columns=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, labels, bad_samples)
        lines = read_lines(self.source, encoding)
        if str(file).endswith((".jsonl", ".json")):
            rows = [(number, self.read_object(line, number)) for number, line in enumerate(lines, 1)]
        else:
            rows = self.read_table(lines, columns)
        kept = [(number, row) for number, row in rows if row is not None and self.usable(row, number)]
        names = [row["label"] for _, row in kept]
        numbers = {name: k for k, name in enumerate(self.wanted or in_order(names))}
        for number, row in kept:
            row = row | {"label": numbers[row["label"]], "path": self.source, "place": f"line {number}"}
            self.samples.append(row)
        self.settle(names)

    def read_table(self, lines, columns):
        """(line, {column: text}) of each line, None for one with the wrong number of fields."""
        header = columns or (lines[0].split("\t") if lines else [])
        places = columns_of(header, NEEDED, OPTIONAL, self.source)
        rows = []
        for number, line in enumerate(lines if columns else lines[1:], 1 if columns else 2):
            fields = line.split("\t")
            if len(fields) == len(places):
                rows.append((number, {name: fields[k] for name, k in places.items()}))
            else:
                what = f"{len(fields)} fields where {len(places)} are expected"
                self.error("D118", what, number, line[:60], fix="fields are separated by tabs, and hold none")
        return rows

    def read_object(self, line, number):
        """{name: text} of a line of JSON; None for one that is none."""
        try:
            row = json.loads(line)
        except ValueError as error:
            self.error("D118", f"not a line of JSON: {error}", number, line[:60])
            return None
        found = {key: row[key] for key in (*NEEDED, "text_b") if key in row} if isinstance(row, dict) else {}
        lacking = [key for key in NEEDED if key not in found]
        odd = [key for key, value in found.items() if not isinstance(value, str | int | float)]
        if lacking or odd:
            what = f"has no {', '.join(lacking)}" if lacking else f"{', '.join(odd)} is neither a text nor a number"
            self.error("D113", what, number, line[:60])
            return None
        return {key: str(value) for key, value in found.items()}

    def usable(self, row, number):
        """Whether a row can be used; cleans its texts in place."""
        for key in ("text_a", "text_b"):
            if key in row:
                row[key] = self.cleaned(row[key], number)
                if row[key] is None:
                    return False
        row.pop("qid", None)
        row["label"] = row["label"].strip()
        if not row["label"]:
            self.error("D126", "the label is empty", number)
            return False
        return self.known(row["label"], number)
