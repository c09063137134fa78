"""Parsing of CSV: the column names of a header, and the fields of a row that is one line."""

import csv

from common.errors import DataError


def column_names(names, path):
    """The column names of a header (list[str]), validated.

    Args:
        names (list[str]): the fields of the first line.
        path (str | Path): the file, for messages.

    Raises:
        DataError: there are none, or two columns have the same name.
    """
    if not names:
        raise DataError(f"error[D117] {path}: no header with column names")
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise DataError(f"error[D115] {path}: line 1: two columns are called '{twice}'")
    return names


def split_line(line, separator=","):
    """The fields of one line (list[str]); a quoted field may hold separators.

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
