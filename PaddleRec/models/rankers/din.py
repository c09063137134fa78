"""Deep Interest Network for Click-Through Rate Prediction (https://arxiv.org/abs/1706.06978).

Shapes in this file:
    N rows, L items of a history (-1 for padding), K features of an item embedding with its category.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding
from ..interactions.attention_unit import AttentionUnit
from ..towers.mlp import MLP
from .ranker import Ranker


class DIN(Ranker):
    """Attention of the candidate item over the history of the user, which may have any length, also 0.

    Args:
        num_items (int): rows of the item table.
        num_groups (int): rows of the category table.
        width (int): features of an item embedding and of a category embedding.
        attention (list[int]): sizes of the hidden layers of the attention unit.
        hidden (list[int]): sizes of the hidden layers of the network after it.
    """

    inputs = {
        "history": ([None, None], "int64"),
        "history_groups": ([None, None], "int64"),
        "item": ([None], "int64"),
        "group": ([None], "int64"),
    }
    about = {"same_length": [["history", "history_groups"]]}
    lookups = {"items": ("item", "history"), "groups": ("group", "history_groups"), "item_bias": ("item",)}

    def __init__(self, num_items, num_groups, width=64, attention=(80, 40), hidden=(80, 40)):
        super().__init__()
        self.items = SparseEmbedding(num_items, width)
        self.groups = SparseEmbedding(num_groups, width)
        self.item_bias = SparseEmbedding(num_items, 1, std=0.0)
        self.attention = AttentionUnit(2 * width, attention)
        self.interest = nn.Linear(2 * width, 2 * width)
        self.network = MLP(4 * width, [*hidden, 1], activation="sigmoid", last_linear=True)

    def vectors(self, items, groups):
        """Embeddings [..., K] of items and categories int64 [...]."""
        return paddle.concat([self.items(items), self.groups(groups)], axis=-1)

    def predict(self, history, history_groups, item, group):
        """Logits [N] of histories int64 [N, L] and candidates int64 [N]."""
        target = self.vectors(item, group)  # [N, K]
        behavior = self.vectors(history, history_groups)  # [N, L, K]
        interest = self.interest(self.attention(behavior, target, history >= 0))
        logits = self.network(paddle.concat([interest, target], axis=-1)).squeeze(-1)
        return logits + self.item_bias(item).squeeze(-1)

    def forward(self, history, history_groups, item, group):
        """The click probability [N]."""
        return F.sigmoid(self.predict(history, history_groups, item, group))
