"""The classifier head of SqueezeNet: a 1x1 convolution to the classes, then global average pooling.

Shapes in this file:
    N images, D channels of the last feature, H x W cells, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from .classifier_head import dropout_layer


class ConvClassifierHead(nn.Layer):
    """Dropout, a 1x1 convolution, ReLU, global average pooling (https://arxiv.org/abs/1602.07360, table 1).

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        dropout (float): probability that a unit is dropped in training.
    """

    def __init__(self, in_channels, num_classes, dropout=0.5):
        super().__init__()
        self.dropout = dropout_layer(dropout)
        self.conv = nn.Conv2D(in_channels[-1], num_classes, 1)

    def forward(self, features):
        """Logits [N, C], none below 0, of features whose last is [N, D, H, W]."""
        x = F.relu(self.conv(self.dropout(features[-1])))  # [N, C, H, W]
        return F.adaptive_avg_pool2d(x, 1).flatten(1)
