"""The usual classifier head: global average pooling and one linear layer.

Shapes in this file:
    N images, D channels of the last feature, H x W cells, C classes.
"""

import math

from paddle import ParamAttr, nn
from paddle.nn import functional as F


class ClassifierHead(nn.Layer):
    """Global average pooling, dropout, a linear layer (https://arxiv.org/abs/1512.03385, section 3.3).

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        dropout (float): probability that a pooled channel is dropped in training.
        pool (int): the maxima of windows of this size are averaged; 1 for the cells themselves.
    """

    def __init__(self, in_channels, num_classes, dropout=0.0, pool=1):
        super().__init__()
        if pool < 1:
            raise ValueError(f"pool is {pool}; it is 1 or more")
        self.pool = pool
        self.dropout = dropout_layer(dropout)
        self.fc = classifier_layer(in_channels[-1], num_classes)

    def forward(self, features):
        """Logits [N, C] of features whose last is [N, D, H, W]."""
        cells = features[-1] if self.pool == 1 else F.max_pool2d(features[-1], self.pool, self.pool)
        pooled = F.adaptive_avg_pool2d(cells, 1).flatten(1)  # [N, D]
        return self.fc(self.dropout(pooled))


def dropout_layer(probability):
    """Dropout with a probability of 0 to 1."""
    if not 0 <= probability <= 1:
        raise ValueError(f"dropout is {probability}; it is 0 to 1")
    return nn.Dropout(probability)


def classifier_layer(in_features, num_classes):
    """A linear layer whose weights start uniform within 1 / sqrt(in_features), its biases at 0."""
    bound = 1 / math.sqrt(in_features)
    return nn.Linear(in_features, num_classes, weight_attr=ParamAttr(initializer=nn.initializer.Uniform(-bound, bound)))
