"""First values of the rows of embedding tables, from their keys alone: the same in training and when served.

`deploy/cpp/src/first_rows.cc` computes the same numbers.

Shapes in this file:
    U keys, K features of a row.
"""

import numpy as np

from common.table.hash import splitmix64

COLUMN = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(0xFFFF)
SCALE = np.float32(3**0.5 / 65536)  # a sum of four uniform numbers of [0, 65536) has the deviation 65536 / sqrt(3)


def first_rows(keys, width, std, seed=0):
    """The first values of rows, float32 [U, K]: nearly normal (a sum of four uniform numbers), of the keys alone.

    Args:
        keys (ndarray): uint64 [U].
        width (int): K.
        std (float): standard deviation; 0 for zeros.
        seed (int): another seed gives other values.
    """
    if not std or not len(keys):
        return np.zeros((len(keys), width), np.float32)
    with np.errstate(over="ignore"):
        columns = (np.arange(width, dtype=np.uint64) + np.uint64(1)) * COLUMN + splitmix64(np.array([seed], np.uint64))
        drawn = splitmix64(splitmix64(keys)[:, None] ^ columns)
    total = (drawn & HALF).astype(np.float32)
    for part in (16, 32, 48):
        total += ((drawn >> np.uint64(part)) & HALF).astype(np.float32)
    return (total - np.float32(2 * 65535)) * (SCALE * np.float32(std))


def first_seeds(names, seed):
    """The seed of the first values of each table of a run: {name: int}; another one for every table.

    Args:
        names (Iterable[str]): of all tables.
        seed (int): of the configuration.
    """
    return {name: seed + place for place, name in enumerate(sorted(names))}
