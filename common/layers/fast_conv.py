"""The pass that makes the convolutions of a model run by oneDNN on CPUs, after the model is built.

When it is used: models are written in plain layers, and `build_model`, with which every command builds every model,
calls :func:`use_fast_convolutions` once.  The pass changes the class of two kinds of layers and nothing else: the
parameters, their names, the state dict and the hooks stay, so a checkpoint fits with the pass and without it.

    nn.Conv2D       by oneDNN, in training and in evaluation
    nn.Sequential   where a convolution without bias is followed by an nn.BatchNorm2D and perhaps an activation, as in
                    blocks that derive from it: in training these are one step, forward and backward

Both decide at each call.  The framework's own operators do the work in an export, for numbers that are not float32 on
a CPU, and where the layers are no longer those of the pass: quantized, synchronized, a subclass, with a hook.  The
whole pass does nothing on a GPU, with `onednn: false` in the configuration, with KIT_ONEDNN=0 in the environment
(for emergencies), and in layers with the attribute `higher_gradients = True`, which ask for gradients of gradients.

What is private about it: oneDNN is called by ctypes in the library inside PaddlePaddle's wheel (`onednn.py`), of which
PaddlePaddle promises nothing; without it, or with another major version of it, models stay as they are.  Attributes
of layers that begin with an underscore are read here.  The backward pass is a PyLayer (`fused_conv.py`) and has the
limits of one in PaddlePaddle 3.3: going back twice (retain_graph=True) crashes, paddle.grad of some inputs alone is
refused, and there is no second derivative.

Shapes in this file:
    x [N, C, H, W], weight [O, C / groups, k, l], y [N, O, H', W'].
"""

import functools
import itertools
import os

import paddle
from paddle import nn

from common.layers import fused_conv, onednn
from common.layers.leaky_relu import LeakyReLU
from common.log import logger

ACTIVATIONS = {
    nn.ReLU: lambda layer: fused_conv.RELU,
    nn.ReLU6: lambda layer: fused_conv.RELU6,
    nn.Hardswish: lambda layer: fused_conv.HARD_SWISH,
    nn.Silu: lambda layer: fused_conv.SWISH,
    nn.Swish: lambda layer: fused_conv.SWISH,
    LeakyReLU: lambda layer: fused_conv.leaky_relu(layer.slope),
    nn.LeakyReLU: lambda layer: fused_conv.leaky_relu(layer._negative_slope),
}


def use_fast_convolutions(model, on=True):
    """Makes the convolutions of a model run by oneDNN where that is possible; returns the model.

    Args:
        model (nn.Layer): changed in place; to call it twice does no harm.
        on (bool): `onednn` of the configuration.
    """
    layers = model.sublayers(include_self=True)
    if not any(isinstance(layer, nn.Conv2D) for layer in layers):
        return model
    obstacle = obstacle_to(on)
    say(f"convolutions: PaddlePaddle's own ({obstacle})" if obstacle else "convolutions: oneDNN")
    if obstacle:
        return model
    differentiated = [layer for layer in layers if getattr(layer, "higher_gradients", False)]
    excluded = {id(part) for layer in differentiated for part in layer.sublayers(include_self=True)}
    for layer in layers:
        if id(layer) not in excluded:
            layer.__class__ = fast_class(layer)
    return model


def obstacle_to(on=True):
    """Why convolutions do not run by oneDNN, in words; empty where they do."""
    if not on:
        return "onednn: false"
    if os.environ.get("KIT_ONEDNN") == "0":
        return "KIT_ONEDNN=0"
    if paddle.device.get_device() != "cpu":
        return f"the device is {paddle.device.get_device()}"
    return "" if onednn.library() else "PaddlePaddle came without oneDNN 3"


@functools.cache
def say(text):
    """Logs a text, once in a process."""
    logger.info(text)


def is_fast(model):
    """True if a convolution of a model runs by oneDNN."""
    return any(isinstance(layer, FastConv2D) for layer in model.sublayers(include_self=True))


def fast_class(layer):
    """The class that a layer has after the pass; its own where there is nothing to gain."""
    kind = type(layer)
    if kind is nn.Conv2D:
        return FastConv2D
    if isinstance(layer, nn.Sequential) and kind.forward is nn.Sequential.forward and has_pair(layer):
        return fast_sequential(kind)
    return kind


def has_pair(sequence):
    """True if a batch normalization follows a convolution in an nn.Sequential."""
    kinds = [type(layer) for layer in sequence]
    return any(a in (nn.Conv2D, FastConv2D) and b is nn.BatchNorm2D for a, b in itertools.pairwise(kinds))


class FastConv2D(nn.Conv2D):
    """The framework's convolution, with its arguments, parameters and export: [N, C, H, W] to [N, O, H', W']."""

    def forward(self, x):
        y = convolve(self, x, self.weight)
        return nn.Conv2D.forward(self, x) if y is None else y


class FastSequential:
    """Comes before a class of nn.Sequential; its layers run in order, those that can be joined as one step.

    Without super(), which an export turns into super(self.__class__, self): here that is this class again.
    """

    def forward(self, x):
        layers = list(self._sub_layers.values())
        return run(layers, x) if fused_conv.suits(x) else nn.Sequential.forward(self, x)


@functools.cache
def fast_sequential(kind):
    """The class `kind` of nn.Sequential with joint steps."""
    return type(f"Fast{kind.__name__}", (FastSequential, kind), {})


def run(layers, x):
    """The output of a list of layers, one after another."""
    while layers:
        conv, norm, activation = (*layers, None, None)[:3]
        geometry = joint_geometry(conv, norm, x)
        if geometry is None:
            x, layers = conv(x), layers[1:]
        else:
            joined = activation_of(activation)
            x = fused_conv.conv_norm(x, conv.weight, norm, joined, *geometry)
            layers = layers[3 if joined else 2 :]
    return x


def joint_geometry(conv, norm, x):
    """The geometry of a convolution that is one step with the normalization after it; None where they are not.

    Args:
        conv (nn.Layer): a layer.
        norm (nn.Layer | None): the one after it.
        x (Tensor): what `conv` gets.
    """
    if not (is_untouched(conv, FastConv2D) and conv.bias is None and is_untouched(norm, nn.BatchNorm2D)):
        return None
    learns = norm.training and not norm._use_global_stats
    plain = norm.weight is not None and norm.bias is not None and norm._data_format == "NCHW"
    return geometry_of(conv, x.shape[2:]) if learns and plain and fused_conv.suits(x) else None


def activation_of(layer):
    """The activation of a layer as `fused_conv` has it; None for a layer that is not in ACTIVATIONS, or has a hook."""
    make = ACTIVATIONS.get(type(layer))
    return make(layer) if make and is_untouched(layer, type(layer)) else None


def is_untouched(layer, kind):
    """True if a layer is of this very class, with no hook that wants to see what goes through it."""
    return type(layer) is kind and not layer._forward_pre_hooks and not layer._forward_post_hooks


def convolve(layer, x, weight):
    """The output of a layer with the attributes of an nn.Conv2D, with this weight, or None where oneDNN does not suit.

    A 1x1 convolution of one pixel is a matrix product, which the framework does 1.3 to 5 times as fast.
    """
    if not fused_conv.suits(x) or x.shape[2:] == weight.shape[2:] == [1, 1]:
        return None
    geometry = geometry_of(layer, x.shape[2:])
    if geometry is None:
        return None
    y = fused_conv.conv2d(x, weight, *geometry)
    return y if layer.bias is None else y + layer.bias.reshape([1, -1, 1, 1])


def geometry_of(layer, size):
    """The geometry of an nn.Conv2D for an x of [H, W], as `fused_conv` takes it: stride, padding, groups, dilation.

    The padding is (top, left, bottom, right).  None of what oneDNN is not asked for: unequal strides or dilations,
    padding by anything but zeros, channels last.
    """
    (stride, other), (dilation, across), padding = layer._stride, layer._dilation, layer._padding
    if stride != other or dilation != across or layer._padding_mode != "zeros" or layer._data_format != "NCHW":
        return None
    if padding == "SAME":
        return stride, same_padding(size, layer._kernel_size, stride, dilation), layer._groups, dilation
    sides = (padding,) * 2 if isinstance(padding, int) else tuple(padding)
    return (stride, sides * 2, layer._groups, dilation) if len(sides) == 2 else None


def same_padding(size, kernel, stride, dilation=1):
    """TensorFlow's SAME padding (top, left, bottom, right) of an input [H, W] for a kernel [h, w].

    The output has ceil(side / stride) pixels a side; an odd row or column of zeros is at the bottom or the right.
    """
    reaches = [dilation * (side - 1) + 1 for side in kernel]
    totals = [max(0, (-(-side // stride) - 1) * stride + reach - side) for side, reach in zip(size, reaches)]
    before = [total // 2 for total in totals]
    return (*before, *(total - part for total, part in zip(totals, before)))
