"""Rows of CSV or Parquet files with named columns."""

import csv
from codecs import BOM_UTF8

import numpy as np

from common.errors import BadRows, ConfigError, DataError, EnvironmentProblem
from common.regular import check_regular
from common.table.csv_lines import column_names, split_line
from common.table.features import parse_number, preview_word
from common.table.hash import as_words
from common.table.rows import RowFiles

from .criteo import labels_of, split_rows


class TableRows(RowFiles):
    """A stream of the rows of CSV files with a header, or of Parquet files (read by pyarrow).

    Args:
        files (list[str]): paths or globs; `.parquet`, or CSV, plain or .gz.
        label (str): the column with 0 or 1, or with a number to compare with `positive_threshold`.
        separator (str): field separator of CSV files, one character.
        positive_threshold (float | None): the label is 1 if its column is at least this.
        shuffle (int): size of the shuffle buffer, in rows; 0 keeps the order of the files.
        seed (int): random seed of the order.
        encoding (str): of the files, such as utf-8 or gb18030.

    Raises:
        DataError: a file is missing, all files are empty, or their columns differ.
        EnvironmentProblem: the files are Parquet and pyarrow is not installed.
    """

    def __init__(
        self, files, label="label", separator=",", positive_threshold=None, shuffle=0, seed=0, encoding="utf-8"
    ):
        super().__init__(files, shuffle, header=True, seed=seed, encoding=encoding)
        if len(separator) != 1:
            raise ConfigError(f"separator is {separator!r}; it must be one character")
        self.label, self.separator, self.positive_threshold = label, separator, positive_threshold
        self.is_parquet = self.files[0].endswith(".parquet")
        self.names = column_names(self.columns_of(self.files[0]), self.files[0])
        if label not in self.names:
            raise DataError(
                f"error[D113] {self.files[0]}: no column is named '{label}'; the columns are {', '.join(self.names)}"
            )
        for file in self.files[1:]:
            if self.columns_of(file) != self.names:
                raise DataError(f"error[D113] {file}: its columns differ from those of {self.files[0]}")

    def columns_of(self, file):
        """The column names of a file."""
        if self.is_parquet:
            return open_parquet(file).schema_arrow.names
        import gzip

        check_regular(file)
        with gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb") as source:
            line = source.readline()
        try:
            line = self.decode([line.removeprefix(BOM_UTF8)])[0].decode()
        except BadRows as error:
            raise DataError(f"error[D131] {file}: line 1: {error.rows[0][1]}") from None
        try:
            return split_line(line, self.separator)
        except csv.Error as error:
            raise DataError(f"error[D118] {file}: line 1: {error}") from None

    def lines(self, shard, num_shards):
        """Lines, or (file, columns, row) of Parquet files, whose row groups are distributed over the shards."""
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
        """`label` float32 [N], and a column of words [N] for each other name."""
        if self.is_parquet:
            fields = {name: gather_column(rows, number) for number, name in enumerate(self.names)}
        else:
            rows, separator = self.decode(rows), self.separator.encode()
            has_quotes = any(b'"' in row for row in rows)
            table = split_quoted(rows, self) if has_quotes else split_rows(rows, separator, len(self.names))
            fields = dict(zip(self.names, table.T))
        return fields | {"label": self.labels_from(fields[self.label])}

    def labels_from(self, words):
        """The label of each row, 0 or 1, float32 [N]."""
        if self.positive_threshold is None:
            return labels_of(words)
        try:
            values = words.astype(np.float64)
        except ValueError:
            values = np.array([parse_number(word) for word in words.tolist()])
        bad = np.flatnonzero(~np.isfinite(values)).tolist()
        if bad:
            raise BadRows({row: ("D119", f"'{self.label}' is not a number", preview_word(words[row])) for row in bad})
        return (values >= self.positive_threshold).astype("float32")

    def place(self, line):
        """See RowFiles; the place of a Parquet row is its file."""
        return (line[0], f"row {line[2]} of a block") if self.is_parquet else super().place(line)


def split_quoted(rows, dataset):
    """The fields of rows with quoted fields, as bytes `S` [N, columns]; raises BadRows for invalid ones."""
    table, bad, count = [], {}, len(dataset.names)
    for number, row in enumerate(rows):
        try:
            fields = split_line(row.decode("utf-8", "replace"), dataset.separator)
        except csv.Error as error:
            fields, bad[number] = [], ("D118", str(error), preview_word(row))
        if len(fields) != count:
            bad.setdefault(number, ("D118", f"{len(fields)} columns where {count} are expected", ""))
        table.append([field.encode() for field in fields])
    if bad:
        raise BadRows(bad)
    return np.array(table, "S")


def gather_column(rows, column):
    """One column of rows (file, columns of a block, row): consecutive rows of a block are taken at once."""
    parts, begin = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or rows[end][1] is not rows[begin][1]:
            parts.append(rows[begin][1][column][[row for _, _, row in rows[begin:end]]])
            begin = end
    return np.concatenate(parts)


def open_parquet(file):
    """Opens a Parquet file.

    Raises:
        EnvironmentProblem: pyarrow is not installed.
        DataError: the file is not Parquet.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EnvironmentProblem(f"{file}: Parquet files need the package pyarrow: pip install pyarrow") from None
    try:
        return parquet.ParquetFile(file)
    except pyarrow.ArrowInvalid as error:
        raise DataError(f"error[D112] {file}: not a Parquet file ({error})") from None
