"""The block that most networks are made of: convolution, batch normalization, activation.

Shapes in this file:
    N images, H x W pixels or cells.
"""

from paddle import nn

from common.layers.leaky_relu import LeakyReLU

from .batch_norm import batch_norm

ACTIVATIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": LeakyReLU,
    "hard_swish": nn.Hardswish,
    "swish": nn.Swish,
    "none": nn.Identity,
}


class ConvNorm(nn.Sequential):
    """Convolution, normalization, activation: [N, in_channels, H, W] to [N, out_channels, H', W'].

    Unless given, the padding is dilation * (kernel_size - 1) / 2, so that an odd kernel of stride 1 keeps H and W.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int): of the convolution, odd; or its height and width, a list of two.
        stride (int): of the convolution.
        groups (int): of the convolution; equal to in_channels it is depthwise.
        activation (str): relu, relu6, leaky_relu (slope 0.1), hard_swish, swish or none.
        norm (str): bn (synchronized over several processes), frozen_bn (fixed statistics, scale and shift), or gn.
        dilation (int): of the convolution.
        padding (int | str): of the convolution, on all sides; or same, TensorFlow's SAME padding.
        bias (bool): of the convolution, which normalization makes superfluous; some published weights have it.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size=3,
        stride=1,
        groups=1,
        activation="relu",
        norm="bn",
        dilation=1,
        padding=None,
        bias=False,
    ):
        if activation not in ACTIVATIONS:
            raise ValueError(f"ConvNorm has no activation {activation!r}; it knows {', '.join(ACTIVATIONS)}")
        height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        if padding == "same" and stride > 1:
            padding = "SAME"
        elif padding in (None, "same"):  # of stride 1 both are the same
            padding = [dilation * (side - 1) // 2 for side in (height, width)]
        conv = nn.Conv2D(
            in_channels,
            out_channels,
            (height, width),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias_attr=None if bias else False,
        )
        super().__init__(
            ("conv", conv),
            ("norm", batch_norm(out_channels, norm)),
            ("activation", ACTIVATIONS[activation]()),
        )
