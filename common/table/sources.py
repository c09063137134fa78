"""Table sources for inference: CSV with a header line, or JSON lines with one object per row."""

import csv
import sys
from pathlib import Path

from common.errors import DataError
from common.files import decode_text, parse_json
from common.regular import check_regular
from common.table.csv_lines import column_names
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
        refuse_encoding(path)


def refuse_encoding(path):
    """Raises DataError with the line and byte of a file that is not UTF-8; rows to predict have no other encoding."""
    try:
        decode_text(path.read_bytes(), path)
    except DataError as error:
        text, _, hint = str(error).partition("\n  fix: ")
        name = hint.rpartition("encoding: ")[2]
        raise DataError(f"{text}\n  fix: save the file as UTF-8: iconv -f {name} -t utf-8 {path}") from None


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
            row = parse_json(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"error[D112] {path}: line {number}: not JSON ({error})") from None
        if not isinstance(row, dict):
            raise DataError(f"error[D113] {path}: line {number}: expected a JSON object, not {line[:40]}")
        yield row
