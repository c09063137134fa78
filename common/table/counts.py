"""Which values of the category columns get a row of their own: counted in one pass, in bounded memory."""

import numpy as np

from common.log import logger

MOST_KEYS = 1 << 24  # different values; beyond it those seen once so far are forgotten
PENDING = 1 << 20  # keys collected before they are counted


class Counts:
    """How often each key was seen, by column.

    Args:
        most (int): different keys that are remembered.
    """

    def __init__(self, most=MOST_KEYS):
        self.keys, self.counts = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        self.columns = np.zeros(0, np.int32)
        self.most, self.pending, self.waiting, self.forgot = most, [], 0, False

    def add(self, keys):
        """Counts keys, uint64 [N, C]."""
        self.pending.append(keys)
        self.waiting += keys.size
        if self.waiting >= PENDING:
            self.settle()

    def settle(self):
        """Counts what is pending."""
        if not self.pending:
            return
        keys = np.concatenate(self.pending)
        self.pending, self.waiting = [], 0
        columns = np.broadcast_to(np.arange(keys.shape[1], dtype=np.int32), keys.shape)
        found, first, counts = np.unique(keys, return_index=True, return_counts=True)
        merged = np.concatenate([self.keys, found])
        order = np.argsort(merged, kind="stable")
        merged = merged[order]
        starts = np.flatnonzero(np.r_[True, merged[1:] != merged[:-1]]) if len(merged) else np.zeros(0, np.int64)
        self.keys = merged[starts]
        self.columns = np.concatenate([self.columns, columns.ravel()[first]])[order][starts]
        self.counts = np.add.reduceat(np.concatenate([self.counts, counts])[order], starts)
        if len(self.keys) > self.most:
            self.forget()

    def forget(self):
        """Drops the keys seen once so far (lossy counting, https://www.vldb.org/conf/2002/S10P03.pdf)."""
        stay = self.counts > 1
        self.keys, self.counts, self.columns = self.keys[stay], self.counts[stay], self.columns[stay]
        if not self.forgot:
            logger.warning("over %d different values: those seen once so far are forgotten", self.most)
        self.forgot = True


def choose(counts, num_columns, features):
    """(sorted keys uint64 [K], their ids int64 [K]) of the values that get a row of their own.

    Args:
        counts (Counts): of the training rows.
        num_columns (int): C.
        features (TableFeatures): has `min_count`, `num_ids`, `sizes` and `hash_rows`.
    """
    counts.settle()
    stay = counts.counts >= features.min_count
    keys, columns = counts.keys[stay], counts.columns[stay]
    order = np.lexsort((keys, -counts.counts[stay]))  # the most frequent first
    keys, columns = keys[order], columns[order]
    if features.sizes is None:
        room = features.num_ids - num_columns - features.hash_rows
        if len(keys) > room:
            logger.warning("%d values for %d rows: the rarest share the rows of unknown ones", len(keys), room)
        keys = keys[:room]
        ids = num_columns + np.arange(len(keys))
    else:
        ids = np.zeros(len(keys), np.int64)
        for column in range(num_columns):
            mine = columns == column
            ids[mine] = 1 + np.arange(mine.sum())
        stay = ids < features.sizes[columns]
        keys, ids = keys[stay], ids[stay]
    order = np.argsort(keys)
    return keys[order], ids[order]
