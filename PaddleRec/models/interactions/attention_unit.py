"""The local activation unit of Deep Interest Network (https://arxiv.org/abs/1706.06978, section 4.3).

Shapes in this file:
    N rows, L items of a history, K features of an embedding.
"""

import paddle
from paddle import nn

from ..towers.mlp import MLP


class AttentionUnit(nn.Layer):
    """Attention of a candidate item over a history, by a small network; the weights are not normalized.

    Args:
        size (int): K.
        hidden (list[int]): sizes of the hidden layers.
    """

    def __init__(self, size, hidden=(80, 40)):
        super().__init__()
        self.network = MLP(4 * size, [*hidden, 1], activation="sigmoid", last_linear=True)

    def forward(self, history, item, present):
        """The weighted sum [N, K] of a history [N, L, K] for an item [N, K]; `present` is the mask, bool [N, L]."""
        target = item.unsqueeze(1).expand_as(history)
        features = paddle.concat([history, target, history - target, history * target], axis=-1)
        return weighted_sum(self.network(features).squeeze(-1), history, present)


def weighted_sum(weights, history, present):
    """The sum [N, K] of the embeddings [N, L, K] times their weights [N, L]; `present` is the mask, bool [N, L]."""
    return ((weights * present.astype(weights.dtype)).unsqueeze(-1) * history).sum(1)
