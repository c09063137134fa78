"""Self-matching attention over one and over two steps (KT-NET, Yang et al. 2019, https://aclanthology.org/P19-1226,
section 2.3).

Shapes in this file:
    N texts of T tokens (padded), D features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform

FAR = -1e6  # added to the scores of padding


class SelfMatching(nn.Layer):
    """Each token beside what it attends to in its text, and beside what these tokens attend to: 6 D features.

    `own` and `bias` add the same to all scores of a token, which its softmax does not see; they are there so that the
    weights of the original fit.

    Args:
        in_channels (int): D.
    """

    def __init__(self, in_channels):
        super().__init__()
        start = uniform((6 / (in_channels + 1)) ** 0.5)
        self.own, self.other, self.both = (self.create_parameter([in_channels], attr=start) for _ in range(3))
        self.bias = self.create_parameter([1], is_bias=True)
        self.out_channels = 6 * in_channels

    def forward(self, x, mask):
        """Features [N, T, 6 D].

        Args:
            x (Tensor): [N, T, D].
            mask (Tensor): float32 [N, T], 0 for padding.
        """
        return matched(x, match_weights(x, mask, self.own, self.other, self.both, self.bias))


def match_weights(x, mask, own, other, both, bias):
    """The attention of every token to every other, [N, T, T]: softmax of own x_i + other x_j + both (x_i * x_j) + bias.

    Args:
        x (Tensor): [N, T, D].
        mask (Tensor): float32 [N, T], 0 for padding.
        own, other, both (Tensor): [D].
        bias (Tensor): [1].
    """
    scores = paddle.matmul(x * both, x, transpose_y=True) + bias
    scores = scores + paddle.matmul(x, own).unsqueeze(2) + paddle.matmul(x, other).unsqueeze(1)
    return F.softmax(scores + ((mask - 1) * -FAR).unsqueeze(1))


def matched(x, weights):
    """x, v, x * v, x - v, w and x - w, [N, T, 6 D], where v is what x attends to, and w what v does.

    Args:
        x (Tensor): [N, T, D].
        weights (Tensor): [N, T, T].
    """
    once = paddle.matmul(weights, x)
    twice = paddle.matmul(weights, once)
    return paddle.concat([x, once, x * once, x - once, twice, x - twice], 2)
