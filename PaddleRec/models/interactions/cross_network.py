"""Crosses of bounded degree (Deep & Cross Network, https://arxiv.org/abs/1708.05123, section 2.3).

Shapes in this file:
    N rows, D numbers of all features of a row.
"""

from paddle import nn


class CrossNetwork(nn.Layer):
    """Layers x <- x0 (x' w) + b + x.

    Args:
        size (int): D.
        depth (int): layers.
    """

    def __init__(self, size, depth):
        super().__init__()
        self.out_channels = size
        self.weights = nn.ParameterList([self.create_parameter([size, 1]) for _ in range(depth)])
        self.biases = nn.ParameterList([self.create_parameter([size], is_bias=True) for _ in range(depth)])

    def forward(self, features):
        """Crossed features [N, D] of features [N, D]."""
        crossed = features
        for weight, bias in zip(self.weights, self.biases):
            crossed = cross(features, crossed, weight, bias)
        return crossed


def cross(first, current, weight, bias):
    """One layer, eq. (3): first [N, D] times the projection of current [N, D] on weight [D, 1], and what it was."""
    return first * (current @ weight) + bias + current
