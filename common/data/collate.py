"""Collation: stacks or pads the samples of a batch into arrays."""

import numpy as np

from common.data.pipeline import sample_paths
from common.errors import DataError


def collate(samples, padding=None):
    """Collates a list of samples to one dict of arrays.

    Arrays of equal shape are stacked to [N, ...]. Arrays named in `padding` are first padded on axis 0 to the longest
    of the batch, at least to length 1, with the given value; those whose value is None remain a list. Bools become
    bool [N], integers int64 [N], floats float32 [N]; strings and all other values remain lists.

    Args:
        samples (list[dict]): at least one; all with the same keys.
        padding (dict[str, float | None]): the fill value of each array whose length differs between samples.

    Raises:
        DataError: keys, shapes or types differ; names the key, both values and the files.
    """
    padding = padding or {}
    names = list(samples[0])
    for sample in samples[1:]:
        odd = set(names) ^ set(sample)
        if odd:
            raise DataError(
                f"samples of one batch hold different keys; only one of these two has {sorted(map(str, odd))}\n"
                f"  {sample_paths([samples[0], sample])}"
            )
    return {name: collate_values(name, [sample[name] for sample in samples], samples, padding) for name in names}


def collate_values(name, values, samples, padding):
    """Collates the values of one key to an array, or returns the list."""
    if all(isinstance(value, (bool, np.bool_)) for value in values):
        return np.array(values, bool)
    if all(isinstance(value, (int, np.integer)) for value in values):
        return np.array(values, np.int64)
    if all(isinstance(value, (int, float, np.integer, np.floating)) for value in values):
        return np.array(values, np.float32)
    if not any(isinstance(value, np.ndarray) for value in values):
        return values
    if name in padding and padding[name] is None:
        return values
    refuse_mismatch(name, values, samples, free_axes=1 if name in padding else 0)
    if name in padding:
        return pad_to_longest(values, padding[name])
    return np.stack(values)


def pad_to_longest(arrays, fill):
    """Pads arrays [n_i, ...] with `fill` and stacks them to [N, max(n_i, 1), ...]."""
    longest = max(1, *(len(array) for array in arrays))
    padded = np.full((len(arrays), longest, *arrays[0].shape[1:]), fill, arrays[0].dtype)
    for row, array in zip(padded, arrays):
        row[: len(array)] = array
    return padded


def refuse_mismatch(name, values, samples, free_axes):
    """Raises DataError if a value cannot be stacked with the first one; `free_axes` leading axes may differ."""

    def kind(value):
        if not isinstance(value, np.ndarray):
            return (type(value).__name__,)
        return (value.ndim, value.shape[free_axes:], value.dtype)

    def looks(value):
        return f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else type(value).__name__

    first = values[0]
    if free_axes and isinstance(first, np.ndarray) and first.ndim < free_axes:
        raise DataError(f"'{name}' is padded but has no axis to pad: {looks(first)} in {sample_paths(samples[:1])}")
    for value, sample in zip(values, samples):
        if kind(value) != kind(first):
            remedy = "resize or pad to one size" if not free_axes else "only the first axis is padded"
            raise DataError(
                f"'{name}' differs within a batch ({remedy}):\n"
                f"  {looks(first)} in {sample_paths(samples[:1])}\n"
                f"  {looks(value)} in {sample_paths([sample])}"
            )
