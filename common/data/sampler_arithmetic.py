"""Arithmetic of samplers: dividing an order into batches and among processes, aspect-ratio groups, class balancing.

Samplers that depend on the samples use a method or attribute of the dataset with one number per sample:
    lengths   the length of each sample, in tokens, frames or seconds
    groups    the group of each sample, such as the aspect ratio of images
    weights   the relative sampling frequency
"""

import numpy as np

from common.errors import ConfigError, DataError


def sample_values(dataset, name, length):
    """Gets one number per sample from a dataset, an array [length].

    Args:
        dataset (object): has `name` as a method without arguments, or as an attribute.
        name (str): lengths, groups or weights.
        length (int): the number of samples.

    Raises:
        ConfigError: the dataset lacks `name`, or it is not one number per sample.
    """
    found = getattr(dataset, name, None)
    if found is None:
        raise ConfigError(f"{type(dataset).__name__} does not provide the {name} of its samples")
    values = np.asarray(found() if callable(found) else found)
    if values.shape != (length,) or values.dtype.kind not in "iufb":
        shape = list(values.shape)
        raise ConfigError(f"{type(dataset).__name__} provides {name} of shape {shape} for {length} samples")
    return values


def aspect_groups(widths, heights, edges=(1.0,)):
    """The aspect-ratio group of each image: the number of `edges` at or below width / height."""
    return np.digitize(np.asarray(widths, np.float64) / np.asarray(heights, np.float64), edges)


def balanced_weights(labels):
    """Class-balancing weights, one per sample, with which every label is drawn equally often."""
    _, inverse, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return 1.0 / counts[inverse]


def check_sizes(length, batch_size, rank, world):
    """Refuses an empty dataset and numbers out of range."""
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
    if not 0 <= rank < world:
        raise ConfigError(f"process {rank} of {world} does not exist")
    if length < 1:
        raise DataError("the dataset has no samples")


def cut_lengths(length, size, drop_last, world):
    """The batch lengths of `length` samples; a last batch with fewer samples than processes is dropped."""
    whole, rest = divmod(length, size)
    return [size] * whole + ([rest] if rest >= world and not drop_last else [])


def split_order(order, lengths):
    """Splits an array into consecutive pieces of the given lengths."""
    ends = np.cumsum(lengths)
    return [order[end - length : end] for end, length in zip(ends, lengths)]


def rank_part(batch, rank, world):
    """The contiguous part of an array for one process; if uneven, the lowest ranks get one more."""
    if world == 1:
        return batch
    return np.array_split(batch, world)[rank]


def count_earlier(values):
    """For each value of an array, the number of its earlier occurrences."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.r_[0, np.flatnonzero(np.diff(ranked)) + 1]
    lengths = np.diff(np.r_[starts, len(ranked)])
    times = np.empty(len(values), np.int64)
    times[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return times
