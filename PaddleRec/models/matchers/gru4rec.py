"""Session-based Recommendations with Recurrent Neural Networks (GRU4Rec, https://arxiv.org/abs/1511.06939).

Shapes in this file:
    N sessions, L clicks (-1 for padding, at the end), M clicks of all sessions, V items, H hidden numbers,
    K sampled items.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..losses.ranking_losses import bpr_loss, mean_cross_entropy, sampled_cross_entropy
from .matcher import Matcher, last_of, log_popularity, popular_items

LOSSES = ("cross_entropy", "sampled_cross_entropy", "bpr")


class GRU4Rec(Matcher):
    """A GRU over the clicks of a session; its state at every click scores the next one.

    Args:
        num_items (int): V, with the row of unknown items.
        width (int): numbers in the vector of an item.
        hidden (int): H.
        loss (str): `cross_entropy` over all items; `sampled_cross_entropy` over popular ones; `bpr` against the other
            targets of the batch (section 3.1.1) and popular ones.
        num_negatives (int): K, popular items besides those of the batch.
        tied (bool): items are scored by the vectors they are looked up in, behind a linear layer, without a bias.
        dropout (float): of the items' vectors in training.
        keep (int): items that are answered.
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
        keep=20,
    ):
        super().__init__(keep)
        if loss not in LOSSES:
            raise ValueError(f"GRU4Rec got loss='{loss}'; it must be one of {', '.join(LOSSES)}")
        self.num_items, self.loss_kind, self.num_negatives, self.dropout = num_items, loss, num_negatives, dropout
        self.items = SparseEmbedding(num_items, width, deviation=1 / math.sqrt(width))
        self.gru = nn.GRU(width, hidden)
        self.tied = nn.Linear(hidden, width) if tied else None
        if not tied:  # an item's weights and its bias
            self.out = SparseEmbedding(num_items, hidden + 1, deviation=1 / math.sqrt(hidden))

    def states(self, items):
        """What is known after every click, [N, L, D], of items int64 [N, L]; D is H + 1, the last number 1."""
        vectors = F.dropout(self.items(items), self.dropout, training=self.training)
        hidden, _ = self.gru(vectors)
        if self.tied is not None:
            return self.tied(hidden)
        return paddle.concat([hidden, paddle.ones_like(hidden[:, :, :1])], axis=-1)

    def item_vectors(self):
        """[V, D] of all items."""
        return (self.items if self.tied is not None else self.out).table.weight

    def rows_of(self, items):
        """The vectors [..., D] of items [...]."""
        return (self.items if self.tied is not None else self.out)(items)

    def predict(self, items):
        """What is known at the end of sessions int64 [N, L], [N, D]."""
        return last_of(self.states(items), items >= 0)

    def loss(self, batch):
        """The loss named in the constructor, of every click with a known next one.

        Args:
            batch (dict): items and targets int64 [N, L], the targets being the items one click later.
        """
        targets = batch["targets"].flatten()
        chosen = paddle.nonzero(targets > 0).squeeze(-1)  # [M]
        states = paddle.index_select(self.states(batch["items"]).flatten(0, 1), chosen)
        targets = paddle.index_select(targets, chosen)
        if self.loss_kind == "cross_entropy":
            return {"loss_cross_entropy": mean_cross_entropy(self.scores(states), targets)}
        drawn, log_share = popular_items(self.num_negatives, self.num_items)
        if self.loss_kind == "bpr":
            others = paddle.concat([targets, drawn])
            wanted, scores, valid = self.compared(states, targets, others)
            return {"loss_bpr": bpr_loss(wanted, scores, valid)}
        wanted, scores, valid = self.compared(states, targets, drawn)
        expected = math.log(self.num_negatives)
        wanted = wanted - log_popularity(targets, self.num_items) - expected
        return {"loss_sampled": sampled_cross_entropy(wanted, scores, valid, log_share + expected)}

    def compared(self, states, targets, others):
        """Scores [M] of the targets and [M, K] of others [K], and which of these are other items than the target."""
        wanted = (states * self.rows_of(targets)).sum(-1)
        scores = paddle.matmul(states, self.rows_of(others), transpose_y=True)
        return wanted, scores, targets.unsqueeze(-1) != others.unsqueeze(0)
