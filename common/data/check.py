"""Generic dataset check: reads the samples and collects the errors, for datasets without a `check` method."""

import itertools

from common.data.pipeline import locate_error
from common.errors import BadSample, DataError, DataIssue, KitError

MOST = 100  # issues; the check stops there
END = object()


def check_dataset(dataset, deep, most=0):
    """Checks a dataset and returns all its issues.

    Args:
        dataset (object): map-style or a stream, with or without a `check(deep)` method.
        deep (bool): reads every sample; otherwise only the first one of a dataset without a `check` method.
        most (int): maximum number of samples to read of a stream; 0 reads it to the end.

    Returns:
        tuple[list[DataIssue], int]: the issues, and the number of samples in the dataset or read from the stream.
    """
    is_stream = hasattr(dataset, "iterate")
    if hasattr(dataset, "check"):
        return dataset.check(deep=deep), len(dataset) if hasattr(dataset, "__len__") else 0
    if is_stream:
        return read_stream(dataset, most if deep else 1)
    issues, length = [], len(dataset)
    for index in range(length if deep else min(length, 1)):
        try:
            read_sample(lambda index=index: dataset[index], index)
        except BadSample as error:
            issues.append(error.issue)
            if len(issues) == MOST:
                break
    return issues, length


def read_stream(dataset, most=0):
    """(issues, samples read) of a stream; reading stops at the first error."""
    stream = iter(dataset.iterate(0, 1, 0))
    for count in itertools.count() if not most else range(most):
        try:
            sample = read_sample(lambda: next(stream, END), (0, count))
        except BadSample as error:
            return [error.issue], count
        if sample is END:
            empty = DataIssue("D117", "error", type(dataset).__name__, "the stream has no sample")
            return ([] if count else [empty]), count
    return [], most


def read_sample(read, place):
    """Calls `read()` and converts its exceptions.

    Raises:
        BadSample: for any exception, with `place`: an index, or (shard, position) in a stream.
    """
    try:
        return read()
    except KitError as error:
        if not isinstance(error, DataError):
            raise
        raise locate_error(error, place, {}, "reading") from error
    except Exception as error:
        raise locate_error(error, place, {}, "reading") from error
