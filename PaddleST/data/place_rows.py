"""Rows of places: CSV files with named columns, coordinates and prices among them, read as a stream."""

import csv
import gzip
from codecs import BOM_UTF8

import numpy as np

from common.errors import BadRows, DataError
from common.regular import check_regular
from common.table.csv_lines import column_names, split_line
from common.table.features import parse_column
from common.table.rows import RowFiles


class PlaceRows(RowFiles):
    """A stream of the rows of CSV files with a header, so that tables need not fit into memory.

    Args:
        files (list[str]): paths or globs, plain or .gz, all with the same columns.
        price (str): the column of the price.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.

    Raises:
        DataError: a file is missing, all are empty, their columns differ, or none is the price.
    """

    def __init__(self, files, price="price", shuffle=0, seed=0, encoding="utf-8"):
        super().__init__(files, shuffle, header=True, seed=seed, encoding=encoding)
        self.price = price
        self.names = self.columns_of(self.files[0])
        if price not in self.names:
            raise DataError(
                f"error[D113] {self.files[0]}: no column is named '{price}'; the columns are {', '.join(self.names)}"
            )
        for file in self.files[1:]:
            if self.columns_of(file) != self.names:
                raise DataError(f"error[D113] {file}: its columns differ from those of {self.files[0]}")

    def columns_of(self, file):
        """The column names of a file (list[str])."""
        check_regular(file)
        with gzip.open(file) if file.endswith(".gz") else open(file, "rb") as source:
            line = source.readline().removeprefix(BOM_UTF8)
        try:
            return column_names(split_line(self.decode([line])[0].decode()), file)
        except BadRows as error:
            raise DataError(f"error[D131] {file}: line 1: {error.rows[0][1]}") from None
        except csv.Error as error:
            raise DataError(f"error[D118] {file}: line 1: {error}") from None

    def assemble(self, rows):
        """`label` float32 [N], the price, and every column by its name as words [N].

        Raises:
            BadRows: with the rows that have other columns than the header, or no price.
        """
        table, bad, count = [], {}, len(self.names)
        for number, row in enumerate(self.decode(rows)):
            try:
                fields = split_line(row.decode("utf-8", "replace"))
            except csv.Error as error:
                fields, bad[number] = [], ("D118", str(error), "")
            if len(fields) != count:
                bad.setdefault(number, ("D118", f"{len(fields)} columns where {count} are expected", ""))
            table.append([field.encode() for field in fields])
        if bad:
            raise BadRows(bad)
        columns = dict(zip(self.names, np.array(table, "S").T))
        label = parse_column(columns[self.price], self.price, bad)
        bad |= dict.fromkeys(np.flatnonzero(np.isnan(label)).tolist(), ("D119", f"column '{self.price}' is empty", ""))
        if bad:
            raise BadRows(bad)
        return columns | {"label": label.astype("float32")}
