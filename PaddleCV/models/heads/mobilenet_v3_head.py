"""The classifier head of MobileNetV3 (https://arxiv.org/abs/1905.02244, section 5.1 and tables 1 and 2).

Shapes in this file:
    N images, D channels of the last feature, H x W cells, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from .classifier_head import classifier_layer, dropout_layer


class MobileNetV3Head(nn.Layer):
    """Global average pooling, a 1x1 convolution without normalization, hard swish, dropout, a linear layer.

    As the official definition has it, the 1x1 convolution has no bias.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        hidden (int): channels after the 1x1 convolution; the same for every width of the network.
        dropout (float): probability that a hidden channel is dropped in training.
    """

    def __init__(self, in_channels, num_classes, hidden=1280, dropout=0.2):
        super().__init__()
        self.expand = nn.Conv2D(in_channels[-1], hidden, 1, bias_attr=False)
        self.dropout = dropout_layer(dropout)
        self.fc = classifier_layer(hidden, num_classes)

    def forward(self, features):
        """Logits [N, C] of features whose last is [N, D, H, W]."""
        pooled = F.adaptive_avg_pool2d(features[-1], 1)  # [N, D, 1, 1]
        return self.fc(self.dropout(F.hardswish(self.expand(pooled)).flatten(1)))
