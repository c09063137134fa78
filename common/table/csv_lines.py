"""CSV parsing: the column names of a header, and the fields of a single-line row."""

import csv

from common.errors import DataError

SEPARATORS = ",\t;|"


def column_names(names, path):
    """Validates the column names of a header; returns them (list[str]).

    Args:
        names (list[str]): the fields of the first line.
        path (str | Path): the file, for messages.

    Raises:
        DataError: there are no column names, or duplicate ones.
    """
    if not names:
        raise DataError(f"error[D117] {path}: no header with column names")
    if len(set(names)) < len(names):
        twice = next(name for position, name in enumerate(names) if name in names[:position])
        raise DataError(f"error[D115] {path}: line 1: two columns are called '{twice}'")
    return names


def separator_of(header):
    """The separator of a table: the comma, tab, semicolon or bar that its first line has most often."""
    return max(SEPARATORS, key=header.count)


def split_line(line, separator=","):
    """Splits one line into fields (list[str]); a quoted field may contain separators.

    Args:
        line (str): with or without its line ending.
        separator (str): one character.

    Raises:
        csv.Error: a quoted field runs past the end of the line, or is too long.
    """
    fields = next(csv.reader([line.rstrip("\r\n") + "\n"], delimiter=separator), [])
    if fields and fields[-1].endswith("\n"):
        raise csv.Error("a quoted field runs past the end of the line")
    return fields
