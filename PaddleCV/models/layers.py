"""The blocks that backbones, necks and heads are made of.

Shapes in this file:
    N images, C channels, H x W pixels or cells.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers import fused_conv
from common.layers.conv2d import Conv2D, geometry_of

NORMS = ("bn", "frozen_bn")


class LeakyReLU(nn.Layer):
    """x where it is positive, slope * x elsewhere.

    Exported as x + relu((slope - 1) x): of the operator's own slope, PaddlePaddle 3.3's oneDNN pass crashes, and the
    ONNX converter writes a wrong number.

    Args:
        slope (float): of the negative part.
    """

    def __init__(self, slope=0.1):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        if paddle.in_dynamic_mode():
            return F.leaky_relu(x, self.slope)
        return x + F.relu(x * (self.slope - 1))


ACTIVATIONS = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": LeakyReLU,
    "hard_swish": nn.Hardswish,
    "swish": nn.Swish,
    "none": nn.Identity,
}


class ConvNorm(nn.Layer):
    """Convolution without bias, batch normalisation, activation: [N, in_channels, H, W] to [N, out_channels, H', W'].

    Unless given, the padding is dilation * (kernel_size - 1) / 2, so that an odd kernel of stride 1 keeps H and W.

    Args:
        in_channels (int): channels that come in.
        out_channels (int): channels that go out.
        kernel_size (int): of the convolution, odd; or its height and width, a list of two.
        stride (int): of the convolution.
        groups (int): of the convolution; equal to in_channels it is depthwise.
        activation (str): relu, relu6, leaky_relu (slope 0.1), hard_swish, swish or none.
        norm (str): bn (of several processes it is joint), or frozen_bn (fixed statistics, scale and shift).
        dilation (int): of the convolution.
        padding (int | str): of the convolution, on all sides; or same, that of TensorFlow.
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
    ):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"ConvNorm has no activation {activation!r}; it knows {', '.join(ACTIVATIONS)}")
        height, width = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
        if padding == "same" and stride > 1:
            padding = "SAME"
        elif padding in (None, "same"):  # of stride 1 both are the same
            padding = [dilation * (side - 1) // 2 for side in (height, width)]
        self.conv = Conv2D(
            in_channels,
            out_channels,
            (height, width),
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias_attr=False,
        )
        self.norm = batch_norm(out_channels, norm)
        self.activation = ACTIVATIONS[activation]()
        self.activation_name = activation

    def forward(self, x):
        conv, norm = self.conv, self.norm
        plain = is_untouched(conv, Conv2D) and conv.bias is None and is_untouched(norm, nn.BatchNorm2D)
        if plain and norm.training and not norm._use_global_stats and fused_conv.suits(x):
            return fused_conv.conv_norm(x, conv.weight, norm, self.activation_name, *geometry_of(conv, x.shape[2:]))
        return self.activation(norm(conv(x)))


class SqueezeExcitation(nn.Layer):
    """Scales each channel by a weight computed from all channels' means (https://arxiv.org/abs/1709.01507, section 3).

    Args:
        channels (int): C of the input [N, C, H, W] and of the output.
        reduction (int): the hidden layer has C / reduction channels.
        slope (float): of the hard sigmoid max(0, min(1, slope * x + 0.5)).
    """

    def __init__(self, channels, reduction=4, slope=0.2):
        super().__init__()
        self.slope = slope
        self.reduce = nn.Conv2D(channels, channels // reduction, 1)
        self.expand = nn.Conv2D(channels // reduction, channels, 1)

    def forward(self, x):
        weights = self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1))))  # [N, C, 1, 1]
        return x * F.hardsigmoid(weights, slope=self.slope, offset=0.5)


def is_untouched(layer, kind):
    """Whether a layer is still the framework's own, with no hook that wants to see what goes through it."""
    return type(layer) is kind and not layer._forward_pre_hooks and not layer._forward_post_hooks


def batch_norm(channels, norm="bn"):
    """The batch normalisation layer of `channels` that a configuration calls bn or frozen_bn."""
    if norm not in NORMS:
        raise ValueError(f"there is no normalisation {norm!r}; it may be {' or '.join(NORMS)}")
    layer = nn.BatchNorm2D(channels)
    if norm == "frozen_bn":
        freeze(layer)
    return layer


def adjust_norms(network, epsilon, momentum):
    """Gives every batch normalisation of a network this epsilon, and this momentum of its running statistics."""
    for part in network.sublayers(include_self=True):
        if isinstance(part, nn.BatchNorm2D):
            part._epsilon, part._momentum = epsilon, momentum


def freeze(layer):
    """Stops the training of a layer for good: no gradients, and batch statistics that no longer move."""
    for parameter in layer.parameters():
        parameter.stop_gradient = True
        parameter.trainable = False
    for part in layer.sublayers(include_self=True):
        if isinstance(part, nn.BatchNorm2D):
            part._use_global_stats = True


def check_out_indices(name, out_indices, num_stages):
    """Refuses stages that a backbone does not have; returns them as a sorted tuple of ints."""
    indices = tuple(out_indices)
    if not indices or list(indices) != sorted(set(indices)) or indices[0] < 0 or indices[-1] >= num_stages:
        raise ValueError(f"{name} has stages 0 to {num_stages - 1}; out_indices must rise within them, got {indices}")
    return indices


def channels_of_picture(backbone):
    """How many channels a backbone's pictures have: those of its first convolution, or 3 where it has none."""
    return next((part._in_channels for part in backbone.sublayers() if isinstance(part, nn.Conv2D)), 3)


def divisible(channels, divisor=8):
    """The multiple of `divisor` nearest to a number of channels, at least `divisor` and at least 90 % of it."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


def upsample_nearest(x):
    """Doubles H and W by repeating each pixel: [N, C, H, W] to [N, C, 2H, 2W].

    A transposed convolution with ones: exported interpolation does not run with oneDNN, and this is faster.
    """
    channels = x.shape[1]
    return F.conv2d_transpose(x, paddle.ones([channels, 1, 2, 2], dtype=x.dtype), stride=2, groups=channels)
