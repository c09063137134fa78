"""Session-based Recommendation with Graph Neural Networks (SR-GNN, https://arxiv.org/abs/1811.00855).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), V items, H features of an embedding.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..interactions.session_graph import GatedGraph, first_occurrences, session_edges
from .matcher import Matcher, last_state


class SRGNN(Matcher):
    """A gated graph network over the items of a session; the query combines the last item and attention over all items.

    Args:
        num_items (int): V, including the unknown item.
        width (int): H.
        steps (int): propagation steps of the graph network.
        top_k (int): number of recommended items.
    """

    def __init__(self, num_items, width=100, steps=1, top_k=20):
        super().__init__(top_k)
        start = 1 / math.sqrt(width)
        self.items = SparseEmbedding(num_items, width, std=start / math.sqrt(3))
        self.graph = GatedGraph(width, steps)
        self.of_last, self.of_each = nn.Linear(width, width), nn.Linear(width, width, bias_attr=False)
        self.attention = nn.Linear(width, 1, bias_attr=False)
        self.join = nn.Linear(2 * width, width, bias_attr=False)
        uniform = nn.initializer.Uniform(-start, start)
        for name, parameter in self.named_parameters():
            if not name.startswith("items."):
                uniform(parameter)

    def item_vectors(self):
        """The vectors [V, H] of all items."""
        return self.items.table.weight

    def predict(self, items):
        """The query vectors [N, H] of sessions int64 [N, L] (eq. 6 and 7)."""
        present = items >= 0
        nodes = self.graph(self.items(items), *session_edges(items))
        clicks = paddle.bmm(first_occurrences(items), nodes)  # [N, L, H], the node of every click
        last = last_state(clicks, present)
        weights = self.attention(F.sigmoid(self.of_last(last).unsqueeze(1) + self.of_each(clicks)))  # [N, L, 1]
        whole = (weights * clicks * present.astype("float32").unsqueeze(-1)).sum(1)
        return self.join(paddle.concat([whole, last], axis=-1))

    def loss(self, batch):
        """The cross entropy of the next click over all items (eq. 10).

        Args:
            batch (dict): items int64 [N, L]; target int64 [N], 0 for an unknown item, which is ignored.
        """
        scores = self.scores(self.predict(batch["items"]))
        return {"loss_cross_entropy": F.cross_entropy(scores, batch["target"], ignore_index=0)}
