"""Blocks of depthwise convolutions, shared by the mobile networks, and what turns their strides into dilation.

Shapes in this file:
    N images, C channels, H x W pixels.
"""

from paddle import nn

from .layers import ConvNorm, SqueezeExcitation

OUTPUT_STRIDES = (8, 16, 32)


class DepthwiseSeparable(nn.Layer):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution (https://arxiv.org/abs/1704.04861, figure 3).

    Args:
        in_channels (int): channels that come in.
        out_channels (int): channels that go out.
        stride (int): of the 3x3 convolution.
        norm (str): bn or frozen_bn.
        activation (str): after both, one of ConvNorm.
        dilation (int): of the 3x3 convolution.
        kernel_size (int): of the convolution of each channel, in place of 3.
    """

    def __init__(self, in_channels, out_channels, stride, norm, activation="relu", dilation=1, kernel_size=3):
        super().__init__()
        shape = (in_channels, in_channels, kernel_size, stride, in_channels)
        self.depthwise = ConvNorm(*shape, activation=activation, norm=norm, dilation=dilation)
        self.pointwise = ConvNorm(in_channels, out_channels, kernel_size=1, activation=activation, norm=norm)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class InvertedResidual(nn.Layer):
    """1x1 up, depthwise, squeeze and excitation, 1x1 down; the shortcut where it fits (1801.04381, figure 4).

    Args:
        in_channels (int): channels that come in.
        expanded (int): channels between the 1x1 convolutions.
        out_channels (int): channels that go out.
        kernel_size (int): of the depthwise convolution.
        stride (int): of the depthwise convolution.
        excite (bool): whether there is squeeze and excitation.
        activation (str): of the first two convolutions.
        norm (str): bn or frozen_bn.
        dilation (int): of the depthwise convolution.
        always_expand (bool): whether there is a 1x1 up even where it brings no more channels.
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


class OutputStride:
    """Turns the strides of a backbone's layers, asked for in order, into dilation once features are coarse enough.

    The layer that loses its stride keeps the dilation of those before it; those after it see as far as they did
    (https://arxiv.org/abs/1706.05587, section 3.1).

    Args:
        name (str): of the backbone, for its error.
        output_stride (int): pixels of the picture to one of the coarsest features: 8, 16 or 32.
    """

    def __init__(self, name, output_stride):
        if output_stride not in OUTPUT_STRIDES:
            raise ValueError(f"{name} has output_stride 8, 16 or 32, not {output_stride}")
        self.limit, self.reached, self.dilation = output_stride, 1, 1

    def next(self, stride):
        """(stride, dilation) of the next layer, which without a limit would have this stride."""
        if self.reached < self.limit:
            self.reached *= stride
            return stride, self.dilation
        dilation = self.dilation
        self.dilation *= stride
        return 1, dilation
