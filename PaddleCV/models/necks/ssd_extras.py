"""The extra feature layers of SSD (https://arxiv.org/abs/1512.02325, section 2.1 and figure 2).

Shapes in this file:
    N images, C channels, H x W cells of one level; levels run from the finest to the coarsest.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ACTIVATIONS, ConvNorm


class SSDExtras(nn.Layer):
    """Adds coarser levels to those of the backbone, each a 1x1 convolution and one that shrinks the image.

    Args:
        in_channels (list[int]): channels of each level, given by the backbone.
        strides (list[int]): input pixels per cell of each level, given by the backbone.
        blocks (list[list[int | str]]): of each new level: channels of the 1x1 convolution, then the channels, kernel
            size, stride and padding of the second one; the padding may be `same`, TensorFlow's SAME.
        norm (str): bn, frozen_bn or gn for convolutions with normalization; none for convolutions with bias.
        scale (float | None): the first level is divided by its L2 norm and multiplied by trained factors that begin
            with this (https://arxiv.org/abs/1506.04579, section 3.3); null leaves it.
        activation (str): of the convolutions, one of ConvNorm; later programs have relu6 beside MobileNetV1.
    """

    def __init__(self, in_channels, strides, blocks, norm="none", scale=None, activation="relu"):
        super().__init__()
        self.out_channels, self.strides = list(in_channels), list(strides)
        self.normalize = L2Norm(in_channels[0], scale) if scale else nn.Identity()
        self.blocks = nn.LayerList()
        for row in blocks:
            if len(row) != 5:
                raise ValueError(f"SSDExtras: a block is [channels, channels, kernel size, stride, padding], not {row}")
            inner, outer, kernel_size, stride, padding = row
            first = convolution(self.out_channels[-1], inner, 1, 1, 0, norm, activation)
            second = convolution(inner, outer, kernel_size, stride, padding, norm, activation)
            self.blocks.append(nn.Sequential(first, second))
            self.out_channels.append(outer)
            self.strides.append(self.strides[-1] * stride)

    def forward(self, features):
        """Features [N, out_channels, H, W] of each level."""
        x = features[-1]
        levels = [self.normalize(features[0]), *features[1:]]
        for block in self.blocks:
            x = block(x)
            levels.append(x)
        return levels


class L2Norm(nn.Layer):
    """Divides the vector of each cell by its L2 norm and multiplies every channel by a trained factor.

    Args:
        channels (int): C of [N, C, H, W].
        scale (float): first value of the factors.
    """

    def __init__(self, channels, scale):
        super().__init__()
        self.weight = self.create_parameter([channels], default_initializer=nn.initializer.Constant(scale))

    def forward(self, x):
        length = paddle.sqrt((x * x).sum(axis=1, keepdim=True) + 1e-12)
        return x / length * self.weight.reshape([1, -1, 1, 1])


def convolution(in_channels, out_channels, kernel_size, stride, padding, norm, activation="relu"):
    """A convolution with an activation, with batch normalization or with a bias."""
    if norm != "none":
        return ConvNorm(
            in_channels, out_channels, kernel_size, stride, activation=activation, norm=norm, padding=padding
        )
    return nn.Sequential(nn.Conv2D(in_channels, out_channels, kernel_size, stride, padding), ACTIVATIONS[activation]())
