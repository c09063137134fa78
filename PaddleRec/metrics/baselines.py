"""What a session recommender has to beat: the most popular items, and the items most often seen with the last one.

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, K items that are answered.
"""

import numpy as np
from scipy import sparse


class ItemPopularity:
    """Answers the items that were clicked most, the same for every session.

    Args:
        num_items (int): V.
        keep (int): K.
    """

    def __init__(self, num_items, keep=20):
        self.counts, self.keep = np.zeros(num_items, np.int64), keep

    def learn(self, sessions):
        """Counts the clicks of sessions int64 [N, L]."""
        self.counts += np.bincount(sessions[sessions > 0], minlength=len(self.counts))

    def answer(self, sessions):
        """The items int64 [N, K] for sessions int64 [N, L]."""
        order = np.argsort(-self.counts[1:], kind="stable")[: self.keep] + 1
        return np.tile(order, (len(sessions), 1))


class ItemKNN:
    """Answers the items whose sessions overlap most with those of the last click (GRU4Rec, section 4, Item-KNN).

    The similarity is the number of sessions with both items over the root of the product of those with each, the
    divisor regularised.

    Args:
        num_items (int): V.
        keep (int): K.
        regularisation (float): added under the root, against coincidences of rare items.
    """

    def __init__(self, num_items, keep=20, regularisation=20.0):
        self.num_items, self.keep, self.regularisation = num_items, keep, regularisation
        self.blocks, self.similar = [], None

    def learn(self, sessions):
        """Takes sessions int64 [N, L]."""
        rows, columns = np.nonzero(sessions > 0)
        held = sparse.csr_matrix(
            (np.ones(len(rows), "float32"), (rows, sessions[rows, columns])), (len(sessions), self.num_items)
        )
        held.data[:] = 1.0  # an item clicked twice is there once
        self.blocks.append(held)

    def answer(self, sessions):
        """The items int64 [N, K] for sessions int64 [N, L]; 0 where no more are known."""
        if self.similar is None:
            self.similar = similarities(sparse.vstack(self.blocks, format="csr"), self.regularisation)
        last = sessions[np.arange(len(sessions)), np.maximum((sessions >= 0).sum(1) - 1, 0)]
        found = np.zeros((len(sessions), self.keep), np.int64)
        for row, item in enumerate(np.maximum(last, 0).tolist()):
            begin, end = self.similar.indptr[item : item + 2]
            best = np.argsort(-self.similar.data[begin:end], kind="stable")[: self.keep]
            found[row, : len(best)] = self.similar.indices[begin:end][best]
        return found


def similarities(held, regularisation=0.0):
    """Sparse [V, V]: how alike items are by their sessions, held [N, V] being 1 where a session has an item.

    The similarity of an item with itself, and with the unknown item 0, is 0.
    """
    together = (held.T @ held).tocoo()
    counts = np.asarray(held.sum(0)).ravel()
    keep = (together.row != together.col) & (together.row > 0) & (together.col > 0)
    rows, columns, values = together.row[keep], together.col[keep], together.data[keep]
    divisor = np.sqrt((counts[rows] + regularisation) * (counts[columns] + regularisation))
    return sparse.csr_matrix((values / divisor, (rows, columns)), together.shape)
