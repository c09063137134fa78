"""Table sources for inference: CSV with a header line, or JSON lines with one object per row."""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from common.errors import BadRows, DataError
from common.files import decode_text
from common.regular import check_regular
from common.table.csv_lines import column_names
from common.table.hash import as_words
from common.text.sources import decode_lines


def open_table(path):
    """Yields the rows of a file as dicts by column; - is JSON lines on standard input.

    Raises:
        DataError: the file is missing or empty, or a line is malformed; names the line.
    """
    if path == "-":
        yield from json_rows(decode_lines(sys.stdin.buffer), "standard input")
        return
    path = Path(path)
    if not path.is_file():
        raise DataError(f"error[D104] {path}: there is no such file")
    try:
        check_regular(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from json_rows(file, path) if path.suffix.lower().startswith(".json") else csv_rows(file, path)
    except UnicodeDecodeError:
        decode_text(path.read_bytes(), path)  # raises with the line and byte


def csv_rows(file, path):
    """Yields the rows of a CSV file, or of a TSV file according to its suffix."""
    reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    names = column_names(next(reader, []), path)
    for row in check_csv(reader, path):
        if row and len(row) != len(names):
            place = f"{path}: line {reader.line_num}"
            raise DataError(f"error[D118] {place}: {len(row)} columns, the header has {len(names)}")
        if row:
            yield dict(zip(names, row))


def check_csv(reader, path):
    """Yields the rows of a csv reader; parse errors are reported with their line."""
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"error[D118] {path}: line {reader.line_num}: {error}; is a closing quote missing?") from None


def json_rows(file, path):
    """Yields the rows of a file of JSON lines."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"error[D112] {path}: line {number}: not JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"error[D113] {path}: line {number}: expected a JSON object, not {line[:40]}")
        yield row


def rows_to_table(rows, inputs):
    """Converts raw rows to columns for the transforms of a table.

    A column that is an input of the model has as many axes as the input: a sequence is a list or words separated by
    spaces, padded with empty words; a list of lists of integers is padded with -1.  Other columns have one word per
    row.

    Args:
        rows (list[dict]): rows by column name; a missing value is an empty word.
        inputs (dict): the model inputs, name -> (shape, dtype).

    Returns:
        dict[str, ndarray]: columns of N rows.

    Raises:
        BadRows: a value that should be a list of lists of integers is not.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for name in names:
        values = [row.get(name) for row in rows]
        axes = len(inputs[name][0]) if name in inputs else 1
        if axes == 3:
            found[name] = pad_numbers(values, name, inputs[name][0][1])
        elif axes == 2 and not all(is_float_list(value) for value in values):
            lists = [
                value if isinstance(value, list) else str("" if value is None else value).split() for value in values
            ]
            longest = max(1, *map(len, lists))
            words = [word for items in lists for word in [*items, *[None] * (longest - len(items))]]
            found[name] = as_words(words).reshape(len(rows), longest)
        else:
            found[name] = as_words(values)
    return found


def is_float_list(value):
    """True if a value is a list of floats, which is used directly as an input."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, float) for item in value)


def pad_numbers(values, name, slots):
    """Pads lists of at most S lists of at most L integers with -1 to int64 [N, S, L]; raises BadRows."""
    bad = {
        row: ("D113", f"'{name}' must be at most {slots} lists of integers", str(value)[:40])
        for row, value in enumerate(values)
        if value is not None and not is_slots(value, slots)
    }
    if bad:
        raise BadRows(bad)
    longest = max([1, *(len(numbers) for value in values for numbers in value or [])])
    found = np.full((len(values), slots, longest), -1, np.int64)
    for row, value in enumerate(values):
        for slot, numbers in enumerate(value or []):
            found[row, slot, : len(numbers)] = numbers
    return found


def is_slots(value, slots):
    """True if a value is a list of at most `slots` lists of integers."""
    if not isinstance(value, list) or len(value) > slots:
        return False
    return all(isinstance(part, list) and all(isinstance(number, int) for number in part) for part in value)
