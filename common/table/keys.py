"""Keys of the rows of embedding tables, from the ids that a model looks up; what its embedding layers do, in NumPy."""

import numpy as np

PADDING = -1


def table_keys(ids, num_ids, unknown=0, modulo=False):
    """The keys int64 of ids int64, of the same shape.

    Args:
        ids (ndarray): int64 [...].
        num_ids (int): R, rows of the table; keys are in [0, R).
        unknown (int): the key of ids outside [0, R).
        modulo (bool): ids are unsigned numbers of 64 bits, whose key is `id mod R`.
    """
    if modulo:
        return (ids.view(np.uint64) % np.uint64(num_ids)).view(np.int64)
    return np.where((ids >= 0) & (ids < num_ids), ids, unknown)
