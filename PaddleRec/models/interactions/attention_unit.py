"""How much each thing a user did matters for an item (Deep Interest Network, https://arxiv.org/abs/1706.06978, 4.3).

Shapes in this file:
    N rows, L things in a history, K numbers in a vector.
"""

import paddle
from paddle import nn

from ..towers.mlp import MLP


class AttentionUnit(nn.Layer):
    """Weighs the vectors of a history by a small network; the weights are not normalised, so that their sum counts.

    Args:
        size (int): K.
        hidden (list[int]): sizes of the network's hidden layers.
    """

    def __init__(self, size, hidden=(80, 40)):
        super().__init__()
        self.network = MLP(4 * size, [*hidden, 1], activation="sigmoid", last_linear=True)

    def forward(self, history, item, present):
        """The weighted sum [N, K] of a history [N, L, K] for an item [N, K]; present is bool [N, L]."""
        target = item.unsqueeze(1).expand_as(history)
        features = paddle.concat([history, target, history - target, history * target], axis=-1)
        return weighted_sum(self.network(features).squeeze(-1), history, present)


def weighted_sum(weights, history, present):
    """The sum [N, K] of the vectors [N, L, K] that are present (bool [N, L]), each times its weight [N, L]."""
    return ((weights * present.astype(weights.dtype)).unsqueeze(-1) * history).sum(1)
