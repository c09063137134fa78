"""The cross network of Deep & Cross Network (https://arxiv.org/abs/1708.05123, section 2.3).

Shapes in this file:
    N rows, D features of a row.
"""

from paddle import nn


class CrossNetwork(nn.Layer):
    """Layers x <- x0 (x' w) + b + x.

    Args:
        size (int): D.
        depth (int): number of layers.
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
    """One layer, eq. (3): x0 (x' w) + b + x, of x0 = first [N, D], x = current [N, D] and w = weight [D, 1]."""
    return first * (current @ weight) + bias + current
