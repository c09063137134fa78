"""Session-based Recommendations with Recurrent Neural Networks (GRU4Rec, https://arxiv.org/abs/1511.06939).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), M clicks of all sessions, V items, H hidden features,
    K sampled items.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.sampled_softmax import log_popularity, mean_cross_entropy, sample_popular, sampled_cross_entropy

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import bpr_loss
from .matcher import Matcher, last_state

LOSSES = ("cross_entropy", "sampled_cross_entropy", "bpr")


class GRU4Rec(Matcher):
    """A GRU over the clicks of a session; its state after each click predicts the next one.

    Args:
        num_items (int): V, including the unknown item.
        width (int): features of an item embedding.
        hidden (int): H.
        loss (str): `cross_entropy` over all items; `sampled_cross_entropy`, a sampled softmax over popular items; `bpr`
            against the other targets of the batch (section 3.1.1) and popular items.
        num_negatives (int): K, sampled popular items.
        tied (bool): whether the output layer shares the item embeddings, after a linear layer and without a bias.
        dropout (float): dropout probability of the item embeddings.
        top_k (int): number of recommended items.
    """

    def __init__(
        self,
        num_items,
        width=100,
        hidden=100,
        loss="cross_entropy",
        num_negatives=2048,
        tied=False,
        dropout=0.0,
        top_k=20,
    ):
        super().__init__(top_k)
        if loss not in LOSSES:
            raise ValueError(f"GRU4Rec got loss='{loss}'; it must be one of {', '.join(LOSSES)}")
        self.num_items, self.loss_name, self.num_negatives, self.dropout = num_items, loss, num_negatives, dropout
        self.items = SparseEmbedding(num_items, width, std=1 / math.sqrt(width))
        self.gru = nn.GRU(width, hidden)
        self.tied = nn.Linear(hidden, width) if tied else None
        if not tied:  # output weights and bias of each item
            self.out = SparseEmbedding(num_items, hidden + 1, std=1 / math.sqrt(hidden))

    def states(self, items):
        """The query vector after each click, [N, L, D], of items int64 [N, L]; D is H + 1, the last feature 1."""
        vectors = F.dropout(self.items(items), self.dropout, training=self.training)
        hidden, _ = self.gru(vectors)
        if self.tied is not None:
            return self.tied(hidden)
        return paddle.concat([hidden, paddle.ones_like(hidden[:, :, :1])], axis=-1)

    def item_vectors(self):
        """The vectors [V, D] of all items."""
        return (self.items if self.tied is not None else self.out).table.weight

    def vectors_of(self, items):
        """The vectors [..., D] of items [...]."""
        return (self.items if self.tied is not None else self.out)(items)

    def predict(self, items):
        """The query vectors [N, D] of sessions int64 [N, L]."""
        return last_state(self.states(items), items >= 0)

    def loss(self, batch):
        """The loss of every click whose next item is known.

        Args:
            batch (dict): items and targets int64 [N, L]; the targets are the items one click later.
        """
        targets = batch["targets"].flatten()
        chosen = paddle.nonzero(targets > 0).squeeze(-1)  # [M]
        states = paddle.index_select(self.states(batch["items"]).flatten(0, 1), chosen)
        targets = paddle.index_select(targets, chosen)
        if self.loss_name == "cross_entropy":
            return {"loss_cross_entropy": mean_cross_entropy(self.scores(states), targets)}
        drawn, log_share = sample_popular(self.num_negatives, self.num_items)
        if self.loss_name == "bpr":
            candidates = paddle.concat([targets, drawn])
            positive, negatives, valid = self.compare(states, targets, candidates)
            return {"loss_bpr": bpr_loss(positive, negatives, valid)}
        positive, negatives, valid = self.compare(states, targets, drawn)
        expected = math.log(self.num_negatives)
        positive = positive - log_popularity(targets, self.num_items) - expected
        return {"loss_sampled": sampled_cross_entropy(positive, negatives, valid, log_share + expected)}

    def compare(self, states, targets, candidates):
        """Scores [M] of the targets and [M, K] of candidates [K], and the mask of candidates other than the target."""
        positive = (states * self.vectors_of(targets)).sum(-1)
        negatives = paddle.matmul(states, self.vectors_of(candidates), transpose_y=True)
        return positive, negatives, targets.unsqueeze(-1) != candidates.unsqueeze(0)
