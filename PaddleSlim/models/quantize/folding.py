"""Folding of batch normalization into the convolution before it (https://arxiv.org/abs/1712.05877, section 3.2).

In evaluation norm(conv(x)) is a convolution with other weights; 8-bit runtimes have no batch normalization.
"""

import numpy as np
import paddle
from paddle import nn

from .selection import layer_at, replace


def fold_weight(weight, bias, norm):
    """The weight [O, ...] and bias [O] of the convolution that equals a convolution and its batch normalization.

    Args:
        weight (ndarray): of the convolution.
        bias (ndarray | None): of the convolution, [O].
        norm (dict[str, ndarray]): mean, variance, scale and shift, each [O], and epsilon.
    """
    factor = norm["scale"] / np.sqrt(norm["variance"] + norm["epsilon"])
    bias = np.zeros_like(factor) if bias is None else bias
    weight = weight * factor.reshape([-1] + [1] * (weight.ndim - 1))
    return weight.astype("float32"), ((bias - norm["mean"]) * factor + norm["shift"]).astype("float32")


def fold(network, pairs):
    """Folds pairs [path of the convolution, path of its batch normalization] and replaces the latter by an identity."""
    for conv_path, norm_path in pairs:
        conv, norm = layer_at(network, conv_path), layer_at(network, norm_path)
        bias = None if conv.bias is None else conv.bias.numpy()
        weight, bias = fold_weight(conv.weight.numpy(), bias, norm_arrays(norm))
        conv.weight.set_value(weight)
        if conv.bias is None:
            conv.bias = conv.create_parameter([len(bias)], is_bias=True)
            conv.bias.stop_gradient = conv.weight.stop_gradient
        conv.bias.set_value(bias)
        replace(network, norm_path, nn.Identity())


def norm_arrays(norm):
    """The arrays of a batch normalization layer that :func:`fold_weight` takes (dict)."""
    found = {"mean": norm._mean, "variance": norm._variance}
    ones = paddle.ones_like(norm._mean)
    found["scale"] = ones if norm.weight is None else norm.weight
    found["shift"] = ones * 0 if norm.bias is None else norm.bias
    return {name: value.numpy() for name, value in found.items()} | {"epsilon": norm._epsilon}
