"""Table sources for inference: CSV with a header line, or JSON lines with one object per row.

A row that cannot be read is a BadSample in its place, and the others go on.
"""

import csv
import dataclasses
import sys
from pathlib import Path

from common.errors import BadSample, DataError, DataIssue
from common.files import decode_text, has_lone_surrogate, parse_json
from common.regular import check_regular
from common.table.csv_lines import column_names, separator_of
from common.text.sources import each_line, lines_of_file


def open_table(path):
    """Yields the rows of a file as dicts by column, or a BadSample; - is JSON lines on standard input.

    Raises:
        DataError: the file is missing or empty, or most of its lines are not UTF-8.
    """
    if path == "-":
        yield from json_rows(each_line(sys.stdin.buffer, "standard input"), "standard input")
        return
    path = Path(path)
    if not path.is_file():
        raise DataError(f"error[D104] {path}: there is no such file")
    check_regular(path)
    if path.suffix.lower().startswith(".json"):
        yield from json_rows(lines_of_file(path), path)
        return
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield from csv_rows(file, path)


def csv_rows(file, path):
    """Yields the rows of a CSV file, or of a TSV file according to its suffix; see :func:`open_table`.

    The separator is the one that the header has most often: a comma, semicolon, tab or bar.

    Args:
        file (TextIO): decoded with `surrogateescape`.
        path (Path): for messages.
    """
    mark = "\t" if path.suffix.lower() == ".tsv" else separator_of(file.readline())
    file.seek(0)
    reader = csv.reader(file, delimiter=mark)
    names, checked = None, not path.is_file()
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:  # which line comes next is not known
            yield bad_row("D118", path, reader.line_num, f"{error}; is a closing quote missing?")
            return
        text = "\x00".join(row or ())
        wrong = has_lone_surrogate(text) and not_encoded(text, path, reader.line_num)
        if wrong and not checked:
            checked = bool(lines_of_file(path))  # refuses a file in another encoding
        if names is None:
            if wrong:
                raise wrong
            names = column_names(row or [], path)
        elif row is None:
            return
        elif wrong:
            yield wrong
        elif row and len(row) != len(names):
            yield bad_row("D118", path, reader.line_num, f"{len(row)} columns, the header has {len(names)}")
        elif row:
            yield dict(zip(names, row))


def not_encoded(text, path, line):
    """The BadSample of a row with bytes that are not UTF-8."""
    try:
        decode_text(text.encode("utf-8", "surrogateescape"), path)
    except BadSample as error:
        return BadSample(dataclasses.replace(error.issue, place=f"line {line}"))


def json_rows(lines, path):
    """Yields the rows of lines of JSON (str | BadSample); see :func:`open_table`."""
    for number, line in enumerate(lines, 1):
        if isinstance(line, BadSample):
            yield line
        elif line.strip():
            yield parse_row(line, path, number)


def parse_row(line, path, number):
    """The row of one line of JSON, or its BadSample."""
    try:
        row = parse_json(line)
    except (ValueError, RecursionError) as error:
        return bad_row("D112", path, number, f"not JSON ({error})")
    return row if isinstance(row, dict) else bad_row("D113", path, number, f"expected a JSON object, not {line[:40]}")


def bad_row(code, path, line, message):
    """The BadSample of a row that cannot be read."""
    return BadSample(DataIssue(code, "error", str(path), message, f"line {line}"))
