"""The pyramid pooling module of PSPNet (https://arxiv.org/abs/1612.01105, section 3.2).

Shapes in this file:
    N images, D channels of the last feature, h x w cells, C classes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import resize_as
from .classifier_head import dropout_layer


class PSPHead(nn.Layer):
    """Averages of the feature over grids of several sizes, joined with it; a 3x3 convolution, and a 1x1 one.

    As in the published weights, the convolutions have biases.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        bins (list[int]): cells along each side of each grid.
        channels (int): of the 3x3 convolution; each grid has D divided by the number of grids.
        dropout (float): probability that a number is dropped in training, before the classifier.
        bias (bool): of the convolutions before a normalization.
        norm (str): bn, frozen_bn or gn.
        align_corners (bool): of the enlargement of the grids, see `resize_as`.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        bins=(1, 2, 3, 6),
        channels=512,
        dropout=0.1,
        bias=True,
        norm="bn",
        align_corners=True,
    ):
        super().__init__()
        if not bins or min(bins) < 1:
            raise ValueError(f"PSPHead got bins {list(bins)}; they are numbers of 1 or more")
        width, part = in_channels[-1], max(1, in_channels[-1] // len(bins))
        self.bins, self.align_corners = bins, align_corners
        self.grids = nn.LayerList(ConvNorm(width, part, kernel_size=1, norm=norm, bias=bias) for _ in bins)
        self.joined = ConvNorm(width + part * len(bins), channels, norm=norm, bias=bias)
        self.dropout = dropout_layer(dropout)
        self.classifier = nn.Conv2D(channels, num_classes, 1)

    def forward(self, features):
        """Logits [N, C, h, w] of features whose last is [N, D, h, w]."""
        x = features[-1]
        grids = [conv(F.adaptive_avg_pool2d(x, size)) for conv, size in zip(self.grids, self.bins)]
        joined = paddle.concat([x, *(resize_as(grid, x, self.align_corners) for grid in grids)], axis=1)
        return self.classifier(self.dropout(self.joined(joined)))
