"""Rows of a csv or parquet file whose columns have names."""

import csv

import numpy as np

from common.errors import BadRows, ConfigError, DataError, EnvironmentProblem
from common.table.features import number_of, shown
from common.table.hash import as_words
from common.table.rows import RowFiles

from .criteo import labels_of, split_rows


class TableRows(RowFiles):
    """A stream of the rows of csv files (first line: the names of the columns) or parquet files (by pyarrow).

    Args:
        files (list[str]): paths or globs; `.parquet`, or text, plain or .gz.
        label (str): the column with 0 or 1, or with a number to compare with `positive_from`.
        separator (str): between the fields of text files.
        positive_from (float | None): the label is 1 where its column holds at least this.
        shuffle (int): rows that are read ahead and put in random order; 0 keeps the order of the files.
        seed (int): of the order.

    Raises:
        DataError: a file is missing, all are empty, or they have other columns than the first.
        EnvironmentProblem: the files are parquet and pyarrow is not installed.
    """

    def __init__(self, files, label="label", separator=",", positive_from=None, shuffle=0, seed=0):
        super().__init__(files, shuffle, header=True, seed=seed)
        if len(separator) != 1:
            raise ConfigError(f"separator is {separator!r}; it is one character")
        self.label, self.separator, self.positive_from = label, separator, positive_from
        self.is_parquet = self.files[0].endswith(".parquet")
        self.names = self.columns_of(self.files[0])
        if label not in self.names:
            raise DataError(
                f"error[D113] {self.files[0]}: no column is named '{label}'; there are {', '.join(self.names)}"
            )
        for file in self.files[1:]:
            if self.columns_of(file) != self.names:
                raise DataError(f"error[D113] {file}: its columns differ from those of {self.files[0]}")

    def columns_of(self, file):
        """The names of a file's columns."""
        if self.is_parquet:
            return open_parquet(file).schema_arrow.names
        import gzip

        with gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb") as source:
            line = source.readline().decode("utf-8-sig", "replace")
        return next(csv.reader([line], delimiter=self.separator), [])

    def lines(self, shard, num_shards):
        """Lines, or (block, row) of parquet files, whose row groups are divided among the shards."""
        if not self.is_parquet:
            yield from super().lines(shard, num_shards)
            return
        count = 0
        for file in self.files:
            source = open_parquet(file)
            for group in range(source.num_row_groups):
                if count % num_shards == shard:
                    for block in source.iter_batches(8192, row_groups=[group]):
                        columns = [as_words(column.to_pylist()) for column in block.columns]
                        for row in range(len(block)):
                            yield file, columns, row
                count += 1

    def assemble(self, rows):
        """`label` float32 [N], and a column of words by each other name."""
        if self.is_parquet:
            fields = {name: joined(rows, number) for number, name in enumerate(self.names)}
        else:
            separator = self.separator.encode()
            has_quotes = any(b'"' in row for row in rows)
            table = quoted(rows, self) if has_quotes else split_rows(rows, separator, len(self.names))
            fields = dict(zip(self.names, table.T))
        return fields | {"label": self.labels_from(fields[self.label])}

    def labels_from(self, words):
        """0 or 1 of each row's label."""
        if self.positive_from is None:
            return labels_of(words)
        try:
            values = words.astype(np.float64)
        except ValueError:
            values = np.array([number_of(word) for word in words.tolist()])
        bad = np.flatnonzero(~np.isfinite(values)).tolist()
        if bad:
            raise BadRows({row: ("D119", f"'{self.label}' is no number", shown(words[row])) for row in bad})
        return (values >= self.positive_from).astype("float32")

    def place(self, line):
        """See RowFiles; of a parquet row, its file."""
        return (line[0], f"row {line[2]} of a block") if self.is_parquet else super().place(line)


def quoted(rows, dataset):
    """The fields of rows some of which hold quotes, as words [N, columns]."""
    table, bad, count = [], {}, len(dataset.names)
    for number, row in enumerate(rows):
        line = row.decode("utf-8", "replace").rstrip("\r\n") + "\n"
        try:
            fields = next(csv.reader([line], delimiter=dataset.separator), [])
        except csv.Error as error:
            fields, bad[number] = [], ("D118", str(error), shown(row))
        if fields and fields[-1].endswith("\n"):
            bad[number] = ("D118", "a quoted field runs over the end of the line", shown(row))
        elif len(fields) != count:
            bad.setdefault(number, ("D118", f"{len(fields)} columns where {count} are expected", ""))
        table.append([field.encode() for field in fields])
    if bad:
        raise BadRows(bad)
    return np.array(table, "S")


def joined(rows, column):
    """One column of rows (file, columns of a block, row), taken from its blocks run by run."""
    parts, begin = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][1] is not rows[begin][1]:
            parts.append(rows[begin][1][column][[row for _, _, row in rows[begin:end]]])
            begin = end
    return np.concatenate(parts)


def open_parquet(file):
    """A parquet file, opened.

    Raises:
        EnvironmentProblem: pyarrow is not installed.
        DataError: the file is not parquet.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EnvironmentProblem(f"{file}: parquet files need the package pyarrow: pip install pyarrow") from None
    try:
        return parquet.ParquetFile(file)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"error[D112] {file}: not a parquet file ({error})") from None
