"""The check of a data set that has no `check` of its own: its samples are read, and what they raise is listed."""

import itertools

from common.data.pipeline import located
from common.errors import BadSample, DataError, DataIssue, KitError

MOST = 100  # issues; a data set with more of them is wrong as a whole
END = object()


def check_dataset(dataset, deep, most=0):
    """Everything that is wrong with a data set.

    Args:
        dataset (object): map-style or a stream, with or without a `check(deep)`.
        deep (bool): look at every sample; else only at the first, where the data set has no check of its own.
        most (int): samples to read of a stream, which may be endless; 0 reads it to its end.

    Returns:
        tuple[list[DataIssue], int]: the issues, and how many samples the data set has, or were read of the stream.
    """
    is_stream = hasattr(dataset, "iterate")
    if hasattr(dataset, "check"):
        return dataset.check(deep=deep), len(dataset) if hasattr(dataset, "__len__") else 0
    if is_stream:
        return check_stream(dataset, most if deep else 1)
    issues, length = [], len(dataset)
    for index in range(length if deep else min(length, 1)):
        try:
            reading(lambda index=index: dataset[index], index)
        except BadSample as error:
            issues.append(error.issue)
            if len(issues) == MOST:
                break
    return issues, length


def check_stream(dataset, most=0):
    """(issues, samples read) of a stream; it is not read on after an error."""
    stream = iter(dataset.iterate(0, 1, 0))
    for count in itertools.count() if not most else range(most):
        try:
            sample = reading(lambda: next(stream, END), (0, count))
        except BadSample as error:
            return [error.issue], count
        if sample is END:
            empty = DataIssue("D117", "error", type(dataset).__name__, "the stream has no sample")
            return ([] if count else [empty]), count
    return [], most


def reading(read, place):
    """What `read()` returns.

    Raises:
        BadSample: whatever it raised, with the place: an index, or (shard, position) in a stream.
    """
    try:
        return read()
    except KitError as error:
        if not isinstance(error, DataError):
            raise
        raise located(error, place, {}, "reading") from error
    except Exception as error:
        raise located(error, place, {}, "reading") from error
