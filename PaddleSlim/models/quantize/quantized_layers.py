"""Layers that compute with fake quantised numbers, under the names of the float layers they replace.

Shapes in this file:
    convolution: x [N, C, H, W], weight [O, C / groups, k, k]; linear: x [..., C], weight [C, O].
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.fast_conv import FastConv2D, convolve
from common.system import distributed

from .fake_quantize import (
    LEVELS,
    WEIGHT_ENDS,
    abs_max_scales,
    grid,
    least_error_scales,
    on_grid,
    per_channel,
    straight_through,
)

CONVOLUTIONS = (nn.Conv2D, FastConv2D)
GEOMETRY = ("_stride", "_padding", "_dilation", "_groups", "_kernel_size", "_padding_mode", "_data_format")
WEIGHT_SCALES = {"abs_max": abs_max_scales, "mse": least_error_scales}


class Quantizer(nn.Layer):
    """Moves a tensor to the grid of its range, which is part of what is saved.

    Args:
        momentum (float): share of the past in the range while training; 1 leaves the range as it is.
    """

    def __init__(self, momentum=1.0):
        super().__init__()
        self.momentum = momentum
        self.observer = None  # sees what comes in, and lets it pass
        self.is_off = False
        for name, value in (("low", 0.0), ("high", 0.0), ("scale", 1.0), ("lowest", 0.0), ("highest", LEVELS - 1.0)):
            self.register_buffer(name, paddle.full([1], value))

    def set_range(self, low, high):
        """Sets the ends of the range (float)."""
        scale, lowest = grid(low, high)
        values = {"low": low, "high": high, "scale": scale, "lowest": lowest, "highest": lowest + LEVELS - 1}
        for name, value in values.items():
            getattr(self, name).set_value(paddle.full([1], float(value)))

    def follow(self, x):
        """Moves the range a little towards that of a batch."""
        ends = paddle.stack([-x.detach().min(), x.detach().max()])
        if distributed.world_size() > 1:
            paddle.distributed.all_reduce(ends, paddle.distributed.ReduceOp.MAX)
        low, high = (float(v) for v in ends.numpy() * [-1, 1])
        past, rest = self.momentum, 1 - self.momentum
        self.set_range(past * self.low.item() + rest * min(low, 0.0), past * self.high.item() + rest * max(high, 0.0))

    def forward(self, x):
        """The same of any shape, float32."""
        if self.observer is not None:
            self.observer.update(x.numpy())
            return x
        if self.is_off:
            return x
        if not self.training:
            return on_grid(x, self.scale, self.lowest, self.highest)
        if self.momentum < 1:
            self.follow(x)
        return straight_through(x, self.scale, self.lowest, self.highest)


class QuantizedWeight:
    """What quantised layers share: a weight on a grid for each output channel, and perhaps a quantiser of the input."""

    weight_axis = 0

    def take_over(self, layer, momentum, quantize_input):
        """Takes the parameters of the float layer, under their names."""
        self.weight, self.bias = layer.weight, layer.bias
        self.is_off = False
        self.register_buffer("weight_scale", paddle.ones([self.weight.shape[self.weight_axis]]))
        self.input_quantizer = Quantizer(momentum) if quantize_input else None

    def fit_weight(self, kind="abs_max"):
        """Chooses the scales by a rule of WEIGHT_SCALES."""
        with paddle.no_grad():
            self.weight_scale.set_value(WEIGHT_SCALES[kind](self.weight, self.weight_axis))

    def quantized_weight(self):
        """The weight on its grid; while training the grid follows the weight."""
        if self.is_off:
            return self.weight
        if self.training:
            self.fit_weight()
        scale = per_channel(self.weight_scale, self.weight_axis, self.weight.ndim)
        return (straight_through if self.training else on_grid)(self.weight, scale, *WEIGHT_ENDS)

    def quantized_input(self, x):
        """x on its grid, unless it comes from there."""
        return x if self.input_quantizer is None else self.input_quantizer(x)


class QuantizedConv2D(QuantizedWeight, nn.Layer):
    """A convolution of 8-bit weights.

    Args:
        layer (nn.Conv2D): whose place it takes.
        momentum (float): of the range of its input, see Quantizer.
        quantize_input (bool): whether it quantises its input itself.
    """

    def __init__(self, layer, momentum=1.0, quantize_input=True):
        super().__init__()
        self.take_over(layer, momentum, quantize_input)
        self.is_fast = isinstance(layer, FastConv2D)
        for name in GEOMETRY:
            setattr(self, name, getattr(layer, name))

    def forward(self, x):
        """[N, C, H, W] to [N, O, H', W']."""
        x, weight = self.quantized_input(x), self.quantized_weight()
        y = convolve(self, x, weight) if self.is_fast else None
        if y is not None:
            return y
        return F.conv2d(x, weight, self.bias, self._stride, self._padding, self._dilation, self._groups)


class QuantizedLinear(QuantizedWeight, nn.Layer):
    """A fully-connected layer of 8-bit weights.

    Args:
        layer (nn.Linear): whose place it takes.
        momentum (float): of the range of its input, see Quantizer.
        quantize_input (bool): whether it quantises its input itself.
    """

    weight_axis = 1

    def __init__(self, layer, momentum=1.0, quantize_input=True):
        super().__init__()
        self.take_over(layer, momentum, quantize_input)

    def forward(self, x):
        """[..., C] to [..., O]."""
        return F.linear(self.quantized_input(x), self.quantized_weight(), self.bias)


QUANTIZED = {**dict.fromkeys(CONVOLUTIONS, QuantizedConv2D), nn.Linear: QuantizedLinear}
