"""Criteo display advertising challenge: label, 13 numerical and 26 categorical features, separated by tabs."""

import numpy as np

from common.errors import BadRows, ConfigError
from common.table.hash import plain_numbers
from common.table.rows import RowFiles

NUMBERS = tuple(f"I{k}" for k in range(1, 14))
CATEGORIES = tuple(f"C{k}" for k in range(1, 27))


class CriteoRows(RowFiles):
    """A stream of rows `label, I1 .. I13, C1 .. C26`; an empty field is a missing value.

    Args:
        files (list[str]): paths or globs, plain or .gz.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        layout (str): `raw` as published, or `ids` for a label and 39 categorical features C1 to C39.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.

    Raises:
        DataError: a file is missing, or all files are empty.
    """

    def __init__(self, files, shuffle=0, layout="raw", seed=0, encoding="utf-8"):
        if layout not in ("raw", "ids"):
            raise ConfigError(f"layout is '{layout}'; it must be raw or ids")
        super().__init__(files, shuffle, seed=seed, encoding=encoding)
        self.names = (*NUMBERS, *CATEGORIES) if layout == "raw" else tuple(f"C{k}" for k in range(1, 40))

    def assemble(self, rows):
        """`label` float32 [N], and a column of words [N] for each name."""
        fields = split_rows(self.decode(rows), b"\t", 1 + len(self.names))
        columns = dict(zip(self.names, fields[:, 1:].T))
        return {"label": labels_of(fields[:, 0]), **columns}


def split_rows(rows, separator, count):
    """The fields of rows as bytes `S` [N, count].

    Raises:
        BadRows: a row has a different number of fields.
    """
    bad = {
        number: ("D118", f"{row.count(separator) + 1} columns where {count} are expected", "")
        for number, row in enumerate(rows)
        if row.count(separator) != count - 1
    }
    if bad:
        raise BadRows(bad)
    text = separator.join([row.rstrip(b"\r\n") for row in rows])
    return np.array(text.split(separator), "S").reshape(len(rows), count)


def labels_of(words):
    """The labels, 0 or 1, as float32 [N]; raises BadRows for anything else."""
    words = plain_numbers(words)
    positive, negative = words == b"1", words == b"0"
    wrong = np.flatnonzero(~(positive | negative))
    if len(wrong):
        values = words[:].tolist()
        raise BadRows(
            {
                int(row): ("D109", "the label is neither 0 nor 1", values[row][:40].decode("utf-8", "replace"))
                for row in wrong
            }
        )
    return positive.astype("float32")
