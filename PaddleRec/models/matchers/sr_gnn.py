"""Session-based Recommendation with Graph Neural Networks (SR-GNN, https://arxiv.org/abs/1811.00855).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, H numbers in a vector.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..interactions.session_graph import GatedGraph, first_places, session_edges
from .matcher import Matcher, last_of


class SRGNN(Matcher):
    """A gated graph network over the session's items; the last item and an attention over all make the query.

    Args:
        num_items (int): V, with the row of unknown items.
        width (int): H.
        steps (int): of the graph network.
        keep (int): items that are answered.
    """

    def __init__(self, num_items, width=100, steps=1, keep=20):
        super().__init__(keep)
        start = 1 / math.sqrt(width)
        self.items = SparseEmbedding(num_items, width, deviation=start / math.sqrt(3))
        self.graph = GatedGraph(width, steps)
        self.of_last, self.of_each = nn.Linear(width, width), nn.Linear(width, width, bias_attr=False)
        self.attention = nn.Linear(width, 1, bias_attr=False)
        self.join = nn.Linear(2 * width, width, bias_attr=False)
        uniform = nn.initializer.Uniform(-start, start)
        for name, parameter in self.named_parameters():
            if not name.startswith("items."):
                uniform(parameter)

    def item_vectors(self):
        """[V, H] of all items."""
        return self.items.table.weight

    def predict(self, items):
        """The vectors [N, H] of sessions int64 [N, L] (eq. 6 and 7)."""
        present = items >= 0
        nodes = self.graph(self.items(items), *session_edges(items))
        clicks = paddle.bmm(first_places(items), nodes)  # [N, L, H], at every click the vector of its node
        last = last_of(clicks, present)
        weights = self.attention(F.sigmoid(self.of_last(last).unsqueeze(1) + self.of_each(clicks)))  # [N, L, 1]
        whole = (weights * clicks * present.astype("float32").unsqueeze(-1)).sum(1)
        return self.join(paddle.concat([whole, last], axis=-1))

    def loss(self, batch):
        """The cross entropy of the next click over all items (eq. 10).

        Args:
            batch (dict): items int64 [N, L]; target int64 [N], 0 where it is unknown, which is not learned.
        """
        scores = self.scores(self.predict(batch["items"]))
        return {"loss_cross_entropy": F.cross_entropy(scores, batch["target"], ignore_index=0)}
