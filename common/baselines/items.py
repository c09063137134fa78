"""Baselines of session-based recommendation: item popularity and item-based nearest neighbors (Item-KNN).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, K recommended items.
"""

import numpy as np
from scipy import sparse

from .baseline import Baseline


class ItemPopularity(Baseline):
    """Recommends the most clicked items, the same for every session.

    Args:
        num_items (int): V.
        top_k (int): K.
    """

    title = "popular items"

    def __init__(self, num_items, top_k=20):
        self.counts, self.top_k = np.zeros(num_items, np.int64), top_k

    def see(self, batch):
        """Adds the complete sessions of a batch."""
        self.add(append_target(batch["items"], batch["target"]))

    def predict(self, batch):
        """`items` int64 [N, K]."""
        return {"items": self.recommend(batch["items"])}

    def add(self, sessions):
        """Counts the clicks of sessions int64 [N, L]."""
        self.counts += np.bincount(sessions[sessions > 0], minlength=len(self.counts))

    def recommend(self, sessions):
        """The items int64 [N, K] for sessions int64 [N, L]."""
        order = np.argsort(-self.counts[1:], kind="stable")[: self.top_k] + 1
        return np.tile(order, (len(sessions), 1))


class ItemKNN(ItemPopularity):
    """Recommends the items that co-occur most with the last click (Item-KNN; GRU4Rec, section 4).

    The similarity is the number of sessions with both items, divided by the square root of the product of the numbers
    of sessions with each item (cosine), with a regularized divisor.

    Args:
        num_items (int): V.
        top_k (int): K.
        regularization (float): added under the root, against coincidences of rare items.
    """

    title = "neighbors of the last item"

    def __init__(self, num_items, top_k=20, regularization=20.0):
        self.num_items, self.top_k, self.regularization = num_items, top_k, regularization
        self.blocks, self.similar = [], None

    def add(self, sessions):
        """Adds sessions int64 [N, L]."""
        rows, columns = np.nonzero(sessions > 0)
        incidence = sparse.csr_matrix(
            (np.ones(len(rows), "float32"), (rows, sessions[rows, columns])), (len(sessions), self.num_items)
        )
        incidence.data[:] = 1.0  # an item clicked twice counts once
        self.blocks.append(incidence)

    def recommend(self, sessions):
        """The items int64 [N, K] for sessions int64 [N, L]; 0 if there are fewer."""
        if self.similar is None:
            self.similar = similarities(sparse.vstack(self.blocks, format="csr"), self.regularization)
        last = sessions[np.arange(len(sessions)), np.maximum((sessions >= 0).sum(1) - 1, 0)]
        found = np.zeros((len(sessions), self.top_k), np.int64)
        for row, item in enumerate(np.maximum(last, 0).tolist()):
            begin, end = self.similar.indptr[item : item + 2]
            best = np.argsort(-self.similar.data[begin:end], kind="stable")[: self.top_k]
            found[row, : len(best)] = self.similar.indices[begin:end][best]
        return found


def similarities(incidence, regularization=0.0):
    """The item similarities, sparse [V, V], of an incidence matrix [N, V], 1 where a session has an item.

    The similarity of an item with itself, and with the unknown item 0, is 0.
    """
    together = (incidence.T @ incidence).tocoo()
    counts = np.asarray(incidence.sum(0)).ravel()
    keep = (together.row != together.col) & (together.row > 0) & (together.col > 0)
    rows, columns, values = together.row[keep], together.col[keep], together.data[keep]
    divisor = np.sqrt((counts[rows] + regularization) * (counts[columns] + regularization))
    return sparse.csr_matrix((values / divisor, (rows, columns)), together.shape)


def append_target(items, target):
    """Complete sessions [N, L + 1]: the target after the other clicks."""
    whole = np.concatenate([items, np.full((len(items), 1), -1)], 1)
    whole[np.arange(len(items)), (items >= 0).sum(1)] = target
    return whole
