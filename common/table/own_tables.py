"""Tables as users have them: CSV or TSV with a header in any encoding of ours, or JSON lines, as rows of texts."""

import csv
import gzip
import io
import json

from common.errors import DataError
from common.files import decode_text
from common.regular import check_regular
from common.suggest import did_you_mean
from common.table.csv_lines import column_names, separator_of

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".csv.gz", ".tsv.gz")


def tables_in(files):
    """The files that may be tables, by their suffix."""
    return [name for name in files if name.lower().endswith(SUFFIXES)]


def read_table(path, most=None):
    """(columns, rows as dicts of texts) of a table; no columns for a file that is no table.

    Args:
        path (Path): CSV, TSV or JSON lines, plain or .gz.
        most (int | None): rows to look at; all rows are read, and checked, without it.

    Raises:
        DataError: a row has another number of fields than the header, with its line; only without `most`.
    """
    check_regular(path)
    with gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb") as file:
        data = file.read(1 << 20) if most else file.read()
    try:
        text = data.decode("utf-8-sig") if not most else data.decode("utf-8-sig", "ignore")
    except UnicodeDecodeError:
        text = decode_text(data, str(path))  # raises with the place
    if path.name.endswith(".jsonl"):
        return read_objects_of(text, path, most)
    first = text.split("\n", 1)[0]
    separator = separator_of(first)
    if separator not in first:
        return [], []
    reader = csv.reader(io.StringIO(text), delimiter=separator, quoting=csv.QUOTE_NONE if separator == "\t" else 0)
    header = [name.strip() for name in next(reader, [])]
    if most and (len(set(header)) < len(header) or "" in header):
        return [], []
    names, rows = column_names(header, str(path)), []
    for fields in reader:
        if most and len(rows) == most:
            break
        if len(fields) == len(names):
            rows.append(dict(zip(names, fields)))
        elif fields and not most:
            raise DataError(
                f"error[D118] {path}: line {reader.line_num}: {len(fields)} fields where the header has {len(names)}"
                "\n  fix: put fields that contain the separator into double quotes"
            )
    return names, rows


def read_objects_of(text, path, most):
    """(columns, rows) of JSON lines: the keys of the first object."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if most and len(rows) == most:
            break
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as error:
            if most:
                break
            raise DataError(f"error[D118] {path}: line {number}: not JSON: {error}") from None
        if isinstance(row, dict):
            rows.append({str(key): "" if value is None else str(value) for key, value in row.items()})
    names = list(rows[0]) if rows else []
    return names, [{name: row.get(name, "") for name in names} for row in rows]


def choose_column(names, given, usual, file, option):
    """The column that is given or has a usual name; None without one.

    Raises:
        DataError: the given one is not there.
    """
    if given and given not in names:
        hint = f"{did_you_mean(given, names)}; the columns are {', '.join(names)}"
        raise DataError(f"error[D113] {file}: no column is named '{given}' ({option}){hint}")
    return given or next((name for word in usual for name in names if name.lower() == word), None)
