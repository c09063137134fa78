"""Normalization and activation before the convolution (pre-activation, https://arxiv.org/abs/1603.05027).

Shapes in this file:
    N images, H x W pixels.
"""

from paddle import nn
from paddle.nn import functional as F

from .batch_norm import batch_norm


class NormConv(nn.Layer):
    """Batch normalization, ReLU, convolution without bias: [N, in_channels, H, W] to [N, out_channels, H', W'].

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int): of the convolution, odd.
        stride (int): of the convolution.
        groups (int): of the convolution.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, out_channels, kernel_size=1, stride=1, groups=1, norm="bn"):
        super().__init__()
        padding = (kernel_size - 1) // 2
        self.norm = batch_norm(in_channels, norm)
        self.conv = nn.Conv2D(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias_attr=False)

    def forward(self, x):
        return self.conv(F.relu(self.norm(x)))


class NormReLU(nn.Layer):
    """Batch normalization and ReLU, which end a network of NormConv.

    Args:
        channels (int): C of [N, C, H, W].
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, channels, norm="bn"):
        super().__init__()
        self.norm = batch_norm(channels, norm)

    def forward(self, x):
        return F.relu(self.norm(x))
