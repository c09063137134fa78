"""A classifier of vectors: linear layers with tanh between them.

Shapes in this file:
    N vectors of D numbers, C classes.
"""

import itertools

import paddle
from paddle import nn

from .classifier_head import classifier_layer


class TanhHead(nn.Layer):
    """Layers with tanh, and a linear one; without hidden layers the linear one alone.

    Args:
        in_channels (int): D.
        num_classes (int): C.
        hidden (list[int]): sizes of the hidden layers.
    """

    def __init__(self, in_channels, num_classes, hidden=()):
        super().__init__()
        sizes = [in_channels, *hidden]
        self.hidden = nn.LayerList([nn.Linear(before, after) for before, after in itertools.pairwise(sizes)])
        self.fc = classifier_layer(sizes[-1], num_classes)

    def forward(self, x):
        """Logits [N, C] of vectors [N, D]."""
        for layer in self.hidden:
            x = paddle.tanh(layer(x))
        return self.fc(x)
