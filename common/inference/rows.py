"""Predictions of the rows of a table, which are prepared all at once; a row is predicted or refused as it is alone."""

import numpy as np

from common.errors import BadRows, DataError, NotFinite
from common.inference.predictor import fixed_batch, records_of
from common.log import logger
from common.suggest import nearest
from common.table.json_rows import rows_to_table

MOST_NAMES = 8  # of columns in a warning


def predict_rows(model, samples, threshold=None):
    """The predictions of the rows of a table, see :func:`common.inference.run.predict_samples`.

    Args:
        model (Predictor | ModelInMemory): predicts.
        samples (list[dict]): `path` and `name` for messages, `header`, true if all rows have the same columns, and
            `row` (dict), or `error` (DataError) of a row that could not be read.
        threshold (float | None): see :func:`common.inference.predictor.predict`.

    Raises:
        DataError: the header of a file lacks a column.
    """
    threshold = model.task.threshold if threshold is None else threshold
    found = outcomes(model, samples, [threshold] * len(samples))
    pairs = [(sample, one) for sample, one in zip(samples, found) if not isinstance(one, DataError)]
    return pairs, [one for one in found if isinstance(one, DataError)]


def outcomes(model, samples, thresholds):
    """For each row its records (list[dict]), or the DataError that says why it has none."""
    good, columns, errors = prepare_rows(model, samples)
    found = [errors.get(place) for place in range(len(samples))]
    try:
        predict_good(model, samples, thresholds, good, columns, found)
    except NotFinite as error:
        if len(good) == 1:
            found[good[0]] = DataError(f"{error}\n  {samples[good[0]]['path']}: row {samples[good[0]]['name']}")
        for place in good if len(good) > 1 else ():
            (found[place],) = outcomes(model, [samples[place]], [thresholds[place]])
    return found


def predict_good(model, samples, thresholds, good, columns, found):
    """Puts the records of the rows that can be used to their places in `found`; raises NotFinite."""
    if good:
        lacking = max(0, (fixed_batch(model) or 0) - len(good))  # filled with the last row
        columns = {name: np.concatenate([columns[name], *[columns[name][-1:]] * lacking]) for name in model.inputs}
        outputs, rows = model.run(columns), [samples[place] for place in good]
        records = {t: records_of(model, outputs, rows, t) for t in {thresholds[place] for place in good}}
        for number, place in enumerate(good):
            found[place] = records[thresholds[place]][number]
            name_items(found[place], model.pipeline.transforms)


def prepare_rows(model, samples):
    """The inputs of the model for the rows that can be used.

    Returns:
        tuple[list[int], dict[str, ndarray], dict[int, DataError]]: their places among the samples, their columns, and
            the errors of the others by place.
    """
    errors = {place: sample["error"] for place, sample in enumerate(samples) if "error" in sample}
    names, good = needed_columns(model), [place for place in range(len(samples)) if place not in errors]
    for place in good if names else ():
        row = samples[place]["row"]
        if (missing := next((name for name in names if name not in row), None)) is not None:
            near = nearest(missing, list(row))
            about = f"no column '{missing}'; " + (
                f"is it '{near[0]}'?" if near else f"the columns are {', '.join(row)}"
            )
            if samples[place].get("header"):
                raise DataError(f"error[D113] {samples[place]['path']}: line 1: {about}")
            errors[place] = row_error(samples[place], "D113", about)
    good = [place for place in good if place not in errors]
    warn_of_unread(model, [samples[place]["row"] for place in good], names)
    about = getattr(model, "about", {})
    columns, same, limits = {}, about.get("same_length") or (), about.get("limits") or {}
    while good:
        rows = [samples[place]["row"] for place in good]
        rows = [{name: row.get(name) for name in names} for row in rows] if names else rows
        try:
            columns = model.pipeline.table(rows_to_table(rows, model.inputs, same, limits))
            break
        except BadRows as error:
            errors |= {good[k]: row_error(samples[good[k]], *what) for k, what in error.rows.items()}
            good = [place for place in good if place not in errors]
    missing = [name for name in model.inputs if name not in columns] if good else []
    if missing:
        raise DataError(f"error[D113] the rows give no '{missing[0]}'; the model takes {', '.join(model.inputs)}")
    return good, columns, errors


def row_error(sample, code, message, value=""):
    """The DataError of one row."""
    value = f" ({value})" if value else ""
    return DataError(f"error[{code}] {sample['path']}: row {sample['name']}: {message}{value}")


def needed_columns(model):
    """The columns that every row must have (list[str]); none where a transform does not say what it makes."""
    transforms = model.pipeline.transforms
    if not all(hasattr(transform, "makes") for transform in transforms):
        return []
    made = {name for transform in transforms for name in transform.makes}
    read = [name for transform in transforms for name in transform.reads]
    return list(dict.fromkeys([*read, *(name for name in model.inputs if name not in made)]))


def warn_of_unread(model, rows, names):
    """Warns once of columns that the model does not read."""
    unread = list(dict.fromkeys(name for row in rows for name in row if name not in names)) if names else []
    if unread and not getattr(model, "warned_of_unread", False):
        more = f" and {len(unread) - MOST_NAMES} more" if len(unread) > MOST_NAMES else ""
        logger.warning("columns that the model does not read: %s%s", ", ".join(unread[:MOST_NAMES]), more)
        model.warned_of_unread = True


def name_items(records, transforms):
    """Puts the names of items in place of their numbers, where a transform knows them; rows that no item has go."""
    holders = [item for item in transforms if hasattr(item, "names")]
    holders = [item for item in holders if "target" in item.columns] or holders
    if holders and any("item" in record for record in records):
        names = holders[0].names([record["item"] for record in records])
        records[:] = [record | {"label": name} for record, name in zip(records, names) if name]
