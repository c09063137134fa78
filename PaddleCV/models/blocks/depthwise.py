"""Blocks of depthwise convolutions, shared by the mobile networks.

Shapes in this file:
    N images, C channels, H x W pixels.
"""

from paddle import nn

from .conv_norm import ConvNorm
from .excitation import SqueezeExcitation


class DepthwiseSeparable(nn.Layer):
    """A depthwise 3x3 convolution, then a 1x1 convolution (https://arxiv.org/abs/1704.04861, figure 3).

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        stride (int): of the 3x3 convolution.
        norm (str): bn, frozen_bn or gn.
        activation (str): after both, one of ConvNorm.
        dilation (int): of the 3x3 convolution.
        kernel_size (int): of the depthwise convolution, in place of 3.
        between (str | None): the activation after the depthwise convolution, where it is another one.
        padding (int | str | None): of the depthwise convolution, as of ConvNorm.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        stride,
        norm,
        activation="relu",
        dilation=1,
        kernel_size=3,
        between=None,
        padding=None,
    ):
        super().__init__()
        shape = (in_channels, in_channels, kernel_size, stride, in_channels)
        first = {"activation": between or activation, "norm": norm, "dilation": dilation, "padding": padding}
        self.depthwise = ConvNorm(*shape, **first)
        self.pointwise = ConvNorm(in_channels, out_channels, kernel_size=1, activation=activation, norm=norm)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class InvertedResidual(nn.Layer):
    """1x1 up, depthwise, squeeze and excitation, 1x1 down; the shortcut where it fits (1801.04381, figure 4).

    Args:
        in_channels (int): channels of the input.
        expanded (int): channels between the 1x1 convolutions.
        out_channels (int): channels of the output.
        kernel_size (int): of the depthwise convolution.
        stride (int): of the depthwise convolution.
        excite (bool): with squeeze and excitation.
        activation (str): of the first two convolutions.
        norm (str): bn, frozen_bn or gn.
        dilation (int): of the depthwise convolution.
        always_expand (bool): with the 1x1 up even where it adds no channels.
    """

    def __init__(
        self,
        in_channels,
        expanded,
        out_channels,
        kernel_size,
        stride,
        excite,
        activation,
        norm,
        dilation=1,
        always_expand=False,
    ):
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        layers = []
        if expanded != in_channels or always_expand:
            layers.append(ConvNorm(in_channels, expanded, kernel_size=1, activation=activation, norm=norm))
        layers.append(
            ConvNorm(
                expanded, expanded, kernel_size, stride, expanded, activation=activation, norm=norm, dilation=dilation
            )
        )
        if excite:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, out_channels, kernel_size=1, activation="none", norm=norm))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)
