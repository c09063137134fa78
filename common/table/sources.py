"""Rows of a table to be answered: a csv file with names in its first line, or JSON lines, one object a row."""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from common.errors import BadRows, DataError
from common.files import decode_text
from common.table.csv_lines import column_names
from common.table.hash import as_words
from common.text.sources import decode_lines


def open_table(path):
    """The rows of a file, dicts by column, as they are asked for; - is JSON lines on standard input.

    Raises:
        DataError: the file is missing or empty, or a line is no row; names the line.
    """
    if path == "-":
        yield from json_rows(decode_lines(sys.stdin.buffer), "standard input")
        return
    path = Path(path)
    if not path.is_file():
        raise DataError(f"error[D104] {path}: there is no such file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from json_rows(file, path) if path.suffix.lower().startswith(".json") else csv_rows(file, path)
    except UnicodeDecodeError:
        decode_text(path.read_bytes(), path)  # says where


def csv_rows(file, path):
    """The rows of a csv file, or of a tsv file by its ending."""
    reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    names = column_names(next(reader, []), path)
    for row in complete(reader, path):
        if row and len(row) != len(names):
            place = f"{path}: line {reader.line_num}"
            raise DataError(f"error[D118] {place}: {len(row)} columns where {len(names)} are named")
        if row:
            yield dict(zip(names, row))


def complete(reader, path):
    """The rows of a csv reader; what it takes for no csv at all is named by its line."""
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(f"error[D118] {path}: line {reader.line_num}: {error}; is a quotation left open?") from None


def json_rows(file, path):
    """The rows of a file of JSON lines."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"error[D112] {path}: line {number}: not JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"error[D113] {path}: line {number}: an object by column is expected, not {line[:40]}")
        yield row


def table_of(rows, inputs):
    """Columns of raw rows, as the transforms of a table take them.

    A column that is an input of the model has as many axes as the input: a sequence is a list or words between blanks,
    padded with empty words, a list of lists of numbers is padded with -1.  Every other column is one word a row.

    Args:
        rows (list[dict]): by column; a missing value is an empty word.
        inputs (dict): of the model, name -> (shape, dtype).

    Returns:
        dict[str, ndarray]: of N rows each.

    Raises:
        BadRows: a list of lists of numbers is something else.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    found = {}
    for name in names:
        values = [row.get(name) for row in rows]
        axes = len(inputs[name][0]) if name in inputs else 1
        if axes == 3:
            found[name] = padded_numbers(values, name, inputs[name][0][1])
        elif axes == 2 and not all(is_numbers(value) for value in values):
            lists = [
                value if isinstance(value, list) else str("" if value is None else value).split() for value in values
            ]
            longest = max(1, *map(len, lists))
            words = [word for items in lists for word in [*items, *[None] * (longest - len(items))]]
            found[name] = as_words(words).reshape(len(rows), longest)
        else:
            found[name] = as_words(values)
    return found


def is_numbers(value):
    """Whether a value is a list of floats, which is an input as it stands."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, float) for item in value)


def padded_numbers(values, name, slots):
    """int64 [N, S, L] of lists of at most S lists of at most L numbers, -1 where there are fewer; raises BadRows."""
    bad = {
        row: ("D113", f"'{name}' is {slots} lists of whole numbers, or fewer", str(value)[:40])
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
    """Whether a value is a list of at most `slots` lists of whole numbers."""
    if not isinstance(value, list) or len(value) > slots:
        return False
    return all(isinstance(part, list) and all(isinstance(number, int) for number in part) for part in value)
