"""Layers of generators and discriminators: convolutions and fully connected layers with what follows them.

Weights begin as Normal(0, 0.02), as in DCGAN (https://arxiv.org/abs/1511.06434, section 4).
"""

from paddle import nn

from common.layers.initializers import normal
from common.layers.leaky_relu import LeakyReLU

DEVIATION = 0.02
SLOPE = 0.2


def activation_named(name):
    """The layer of relu, leaky_relu (slope 0.2), tanh or none (nn.Layer)."""
    layers = {"relu": nn.ReLU, "leaky_relu": lambda: LeakyReLU(SLOPE), "tanh": nn.Tanh, "none": nn.Identity}
    return layers[name]()


def norm_named(name, channels):
    """The normalization of feature maps [N, channels, H, W] (nn.Layer).

    Args:
        name (str): `batch`; `instance`, with a learned scale and shift; `instance_fixed`, without; or `none`.
        channels (int): of the feature maps.
    """
    if name == "batch":
        return nn.BatchNorm2D(channels)
    if name == "instance":
        return nn.InstanceNorm2D(channels)
    if name == "instance_fixed":
        return nn.InstanceNorm2D(channels, weight_attr=False, bias_attr=False)
    if name == "none":
        return nn.Identity()
    raise ValueError(f"there is no normalization {name!r}; it may be batch, instance, instance_fixed or none")


def conv_layer(
    in_channels,
    out_channels,
    kernel_size,
    stride=1,
    padding=0,
    norm="none",
    activation="none",
    bias=None,
):
    """A convolution, normalization, activation (nn.Sequential); a bias by default where nothing normalizes."""
    sizes = (in_channels, out_channels, kernel_size, stride, padding)
    return normalized(nn.Conv2D, sizes, norm, activation, bias)


def deconv_layer(
    in_channels,
    out_channels,
    kernel_size=4,
    stride=2,
    padding=1,
    output_padding=0,
    norm="none",
    activation="none",
    bias=None,
):
    """A transposed convolution, normalization, activation (nn.Sequential); by default it doubles height and width."""
    sizes = (in_channels, out_channels, kernel_size, stride, padding, output_padding)
    return normalized(nn.Conv2DTranspose, sizes, norm, activation, bias)


def normalized(kind, sizes, norm, activation, bias):
    """A convolution of a kind, normalization, activation (nn.Sequential), for :func:`conv_layer` and its inverse.

    Args:
        kind (type): nn.Conv2D or nn.Conv2DTranspose.
        sizes (tuple[int]): its first arguments; the second one is the number of channels that are normalized.
        norm (str): see :func:`norm_named`.
        activation (str): see :func:`activation_named`.
        bias (bool | None): None for one where nothing normalizes.
    """
    bias = norm == "none" if bias is None else bias
    conv = kind(*sizes, weight_attr=normal(DEVIATION), bias_attr=None if bias else False)
    return nn.Sequential(
        ("conv", conv), ("norm", norm_named(norm, sizes[1])), ("activation", activation_named(activation))
    )


def linear_layer(in_features, out_features, norm=False, activation="none"):
    """A fully connected layer, batch normalization if asked for, activation (nn.Sequential)."""
    return nn.Sequential(
        ("linear", nn.Linear(in_features, out_features, weight_attr=normal(DEVIATION))),
        ("norm", nn.BatchNorm1D(out_features) if norm else nn.Identity()),
        ("activation", activation_named(activation)),
    )
