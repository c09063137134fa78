"""Sequence semantic retrieval: a session and an item as vectors of one space (the query and item towers of
Multi-Rate Deep Learning for Temporal Recommendation, https://doi.org/10.1145/2911451.2914726, without its rates).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, D numbers in a vector, K items drawn.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import bpr_loss
from .matcher import Matcher, last_of


class SSR(Matcher):
    """A GRU over the clicks and a linear layer make the query; a linear layer the item; the cosine compares them.

    Args:
        num_items (int): V, with the row of unknown items.
        width (int): numbers in the vector of an item.
        hidden (int): D, and the state of the GRU.
        num_negatives (int): K, of each session in training.
        temperature (float): the cosine is divided by it in training.
        keep (int): items that are answered.
    """

    def __init__(self, num_items, width=128, hidden=100, num_negatives=10, temperature=0.1, keep=20):
        super().__init__(keep)
        self.num_items, self.num_negatives, self.temperature = num_items, num_negatives, temperature
        self.items = SparseEmbedding(num_items, width, deviation=0.1)
        self.gru = nn.GRU(width, hidden)
        self.query, self.item = nn.Linear(hidden, hidden), nn.Linear(width, hidden)

    def encode_items(self, items):
        """Unit vectors [..., D] of items int64 [...]."""
        return F.normalize(self.item(self.items(items)), axis=-1)

    def item_vectors(self):
        """Unit vectors [V, D] of all items."""
        return F.normalize(self.item(self.items.table.weight), axis=-1)

    def predict(self, items):
        """Unit vectors [N, D] of sessions int64 [N, L]."""
        hidden, _ = self.gru(self.items(items))
        return F.normalize(self.query(last_of(hidden, items >= 0)), axis=-1)

    def loss(self, batch):
        """The BPR loss against items drawn from all.

        Args:
            batch (dict): items int64 [N, L]; target int64 [N], 0 where it is unknown, which is not learned.
        """
        queries = self.predict(batch["items"])
        drawn = paddle.randint(1, self.num_items, [len(queries), self.num_negatives])
        wanted = (queries * self.encode_items(batch["target"])).sum(-1)
        others = paddle.matmul(self.encode_items(drawn), queries.unsqueeze(-1)).squeeze(-1)  # [N, K]
        target = batch["target"].unsqueeze(-1)
        valid = (drawn != target).logical_and(target > 0)
        return {"loss_bpr": bpr_loss(wanted / self.temperature, others / self.temperature, valid)}
