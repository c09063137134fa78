"""Sequence Semantic Retrieval (SSR): a two-tower model of sessions and items (the query and item towers of
Multi-Rate Deep Learning for Temporal Recommendation, https://doi.org/10.1145/2911451.2914726, without its rates).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, D features of a vector, K sampled items.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import bpr_loss
from .matcher import Matcher, last_state


class SSR(Matcher):
    """A GRU and a linear layer embed the session, a linear layer the item; cosine similarity compares them.

    Args:
        num_items (int): V, including the unknown item.
        width (int): features of an item embedding.
        hidden (int): D, also the size of the GRU state.
        num_negatives (int): K, sampled for each session in training.
        temperature (float): divides the cosine similarity in training.
        top_k (int): number of recommended items.
    """

    def __init__(self, num_items, width=128, hidden=100, num_negatives=10, temperature=0.1, top_k=20):
        super().__init__(top_k)
        self.num_items, self.num_negatives, self.temperature = num_items, num_negatives, temperature
        self.items = SparseEmbedding(num_items, width, std=0.1)
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
        return F.normalize(self.query(last_state(hidden, items >= 0)), axis=-1)

    def loss(self, batch):
        """The BPR loss against uniformly sampled items.

        Args:
            batch (dict): items int64 [N, L]; target int64 [N], 0 for an unknown item, which is ignored.
        """
        queries = self.predict(batch["items"])
        drawn = paddle.randint(1, self.num_items, [len(queries), self.num_negatives])
        positive = (queries * self.encode_items(batch["target"])).sum(-1)
        negatives = paddle.matmul(self.encode_items(drawn), queries.unsqueeze(-1)).squeeze(-1)  # [N, K]
        target = batch["target"].unsqueeze(-1)
        valid = (drawn != target).logical_and(target > 0)
        return {"loss_bpr": bpr_loss(positive / self.temperature, negatives / self.temperature, valid)}
