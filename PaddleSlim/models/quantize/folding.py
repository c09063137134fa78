"""Batch normalisation put into the convolution before it (https://arxiv.org/abs/1712.05877, section 3.2).

In evaluation norm(conv(x)) is a convolution with other weights; a runtime of 8-bit numbers has no batch normalisation.
"""

import numpy as np
import paddle
from paddle import nn

from .selection import layer_at, replace


def folded(weight, bias, norm):
    """Weight [O, ...] and bias [O] of the one layer that does what a convolution and its normalisation do.

    Args:
        weight (ndarray): of the convolution.
        bias (ndarray | None): of the convolution, [O].
        norm (dict[str, ndarray]): mean, variance, scale and shift, each [O], and the number epsilon.
    """
    factor = norm["scale"] / np.sqrt(norm["variance"] + norm["epsilon"])
    bias = np.zeros_like(factor) if bias is None else bias
    weight = weight * factor.reshape([-1] + [1] * (weight.ndim - 1))
    return weight.astype("float32"), ((bias - norm["mean"]) * factor + norm["shift"]).astype("float32")


def fold(network, pairs):
    """Does it for [path of the convolution, path of the normalisation], whose place an identity takes."""
    for conv_path, norm_path in pairs:
        conv, norm = layer_at(network, conv_path), layer_at(network, norm_path)
        bias = None if conv.bias is None else conv.bias.numpy()
        weight, bias = folded(conv.weight.numpy(), bias, numbers(norm))
        conv.weight.set_value(weight)
        if conv.bias is None:
            conv.bias = conv.create_parameter([len(bias)], is_bias=True)
            conv.bias.stop_gradient = conv.weight.stop_gradient
        conv.bias.set_value(bias)
        replace(network, norm_path, nn.Identity())


def numbers(norm):
    """The arrays of a batch normalisation that :func:`folded` takes."""
    found = {"mean": norm._mean, "variance": norm._variance}
    ones = paddle.ones_like(norm._mean)
    found["scale"] = ones if norm.weight is None else norm.weight
    found["shift"] = ones * 0 if norm.bias is None else norm.bias
    return {name: value.numpy() for name, value in found.items()} | {"epsilon": norm._epsilon}
