"""Runs a model over the rows of a table, and writes an answer a row."""

import itertools
import json
import sys

from common.errors import BadRows, DataError
from common.log import logger
from common.table.sources import open_table, table_of

ROWS = 256  # answered together


def run_tables(model, path, args):
    """Answers every row of a file; a row that cannot be used is named, and the rest go on.

    Args:
        model (Predictor | ModelInMemory): of a task that reads tables.
        path (str): of the file.
        args (Namespace): json, threshold, batch.

    Returns:
        int: 0, or 3 when a row could not be used.
    """
    rows, number, bad = open_table(path), 0, 0
    while block := list(itertools.islice(rows, args.batch or ROWS)):
        numbers = list(range(number + 1, number + 1 + len(block)))
        number += len(block)
        good, records, problems = answered(model, block, args.threshold)
        for row, (code, message, value) in problems.items():
            logger.error("error[%s] %s: row %d: %s (%s)", code, path, numbers[row], message, value)
        bad += len(problems)
        for row, found in zip(good, records):
            show(numbers[row], found, args.json)
    if not number:
        raise DataError(f"error[D117] {path}: no rows")
    return 3 if bad else 0


def answered(model, rows, threshold=None):
    """(positions of the rows that could be used, the records of each, what is wrong with the others by position)."""
    task = model.task_module()
    places, problems = list(range(len(rows))), {}
    while places:
        try:
            columns = model.pipeline.table(table_of([rows[place] for place in places], model.inputs))
            break
        except BadRows as error:
            problems |= {places[row]: what for row, what in error.rows.items()}
            places = [place for row, place in enumerate(places) if row not in error.rows]
    if not places:
        return [], [], problems
    missing = [name for name in model.inputs if name not in columns]
    if missing:
        raise DataError(f"error[D113] the rows give no '{missing[0]}'; the model takes {', '.join(model.inputs)}")
    outputs = model.run({name: columns[name] for name in model.inputs})
    records = task.records(outputs, model.labels, task.THRESHOLD if threshold is None else threshold)
    for found in records:
        named(found, model)
    return places, records, problems


def named(records, model):
    """Puts the names of items in place of their numbers, where a transform knows them."""
    holders = [item for item in model.pipeline.transforms if hasattr(item, "names")]
    holders = [item for item in holders if "target" in item.columns] or holders
    items = [record for record in records if "item" in record]
    if items and holders:
        for record, name in zip(items, holders[0].names([record["item"] for record in items])):
            record["label"] = name


def show(number, records, as_json):
    """One row's answers on standard output."""
    if as_json:
        sys.stdout.write(json.dumps({"row": number, "predictions": records}, ensure_ascii=False) + "\n")
    else:
        words = ", ".join(f"{record['label']} {record['score']:.4f}" for record in records)
        sys.stdout.write(f"row {number}: {words}\n")
