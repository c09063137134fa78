"""The arithmetic of samplers: cutting an order into batches, sharing them out, and what groups and weights are made of.

Samplers that look at the samples ask the data set, by a method or an attribute of one number a sample:
    lengths   how long each is, in tokens, frames or whatever its transforms see
    groups    which of them belong together, such as wide and tall pictures
    weights   how often each is drawn, relative to the others
"""

import numpy as np

from common.errors import ConfigError, DataError


def told(dataset, name, length):
    """What a data set tells about its samples, an array [length] of numbers.

    Args:
        dataset (object): has `name` as a method without arguments, or as an attribute.
        name (str): lengths, groups or weights.
        length (int): how many numbers there must be.

    Raises:
        ConfigError: it tells nothing of this name, or not one number a sample.
    """
    found = getattr(dataset, name, None)
    if found is None:
        raise ConfigError(f"{type(dataset).__name__} does not tell the {name} of its samples")
    values = np.asarray(found() if callable(found) else found)
    if values.shape != (length,) or values.dtype.kind not in "iufb":
        shape = list(values.shape)
        raise ConfigError(f"{type(dataset).__name__} tells {name} of shape {shape} for {length} samples")
    return values


def aspect_groups(widths, heights, edges=(1.0,)):
    """The group of each picture by width / height: the number of `edges` that are at or below it."""
    return np.digitize(np.asarray(widths, np.float64) / np.asarray(heights, np.float64), edges)


def balanced_weights(labels):
    """Weights, one a sample, under which every label is drawn equally often."""
    _, inverse, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return 1.0 / counts[inverse]


def check_sizes(length, batch_size, rank, world):
    """Refuses an empty data set and numbers out of range."""
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
    if not 0 <= rank < world:
        raise ConfigError(f"process {rank} of {world} does not exist")
    if length < 1:
        raise DataError("the data set has no samples")


def cut(length, size, drop_last, world):
    """Lengths of the batches of `length` samples; a last one with fewer samples than processes is left out."""
    whole, rest = divmod(length, size)
    return [size] * whole + ([rest] if rest >= world and not drop_last else [])


def split(order, lengths):
    """Consecutive pieces of an array."""
    ends = np.cumsum(lengths)
    return [order[end - length : end] for end, length in zip(ends, lengths)]


def part(batch, rank, world):
    """The contiguous part of an array that belongs to one process; the first ones get one more when it is uneven."""
    if world == 1:
        return batch
    return np.array_split(batch, world)[rank]


def times_before(values):
    """For each value, how often it occurred before in the array."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.r_[0, np.flatnonzero(np.diff(ranked)) + 1]
    lengths = np.diff(np.r_[starts, len(ranked)])
    times = np.empty(len(values), np.int64)
    times[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return times
