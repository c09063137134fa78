"""Layers with fake-quantized weights and inputs, which replace floating-point layers under the same names.

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
    fake_quantize,
    grid,
    min_mse_scales,
    per_channel,
    straight_through,
)

CONVOLUTIONS = (nn.Conv2D, FastConv2D)
GEOMETRY = ("_stride", "_padding", "_dilation", "_groups", "_kernel_size", "_padding_mode", "_data_format")
WEIGHT_SCALES = {"abs_max": abs_max_scales, "mse": min_mse_scales}


class Quantizer(nn.Layer):
    """Fake-quantizes a tensor; its range is saved with the weights.

    Args:
        momentum (float): decay of the moving average of the range in training; 1 keeps the range fixed.
    """

    def __init__(self, momentum=1.0):
        super().__init__()
        self.momentum = momentum
        self.observer = None  # records the input, which passes unchanged
        self.is_off = False
        for name, value in (("low", 0.0), ("high", 0.0), ("scale", 1.0), ("lowest", 0.0), ("highest", LEVELS - 1.0)):
            self.register_buffer(name, paddle.full([1], value))

    def set_range(self, low, high):
        """Sets the range (float, float)."""
        scale, lowest = grid(low, high)
        values = {"low": low, "high": high, "scale": scale, "lowest": lowest, "highest": lowest + LEVELS - 1}
        for name, value in values.items():
            getattr(self, name).set_value(paddle.full([1], float(value)))

    def track(self, x):
        """Updates the moving average of the range with that of a batch."""
        ends = paddle.stack([-x.detach().min(), x.detach().max()])
        if distributed.world_size() > 1:
            paddle.distributed.all_reduce(ends, paddle.distributed.ReduceOp.MAX)
        low, high = (float(v) for v in ends.numpy() * [-1, 1])
        past, rest = self.momentum, 1 - self.momentum
        self.set_range(past * self.low.item() + rest * min(low, 0.0), past * self.high.item() + rest * max(high, 0.0))

    def forward(self, x):
        """The fake-quantized tensor, float32 of any shape."""
        if self.observer is not None:
            self.observer.update(x.numpy())
            return x
        if self.is_off:
            return x
        if not self.training:
            return fake_quantize(x, self.scale, self.lowest, self.highest)
        if self.momentum < 1:
            self.track(x)
        return straight_through(x, self.scale, self.lowest, self.highest)


class QuantizedWeight:
    """The mixin of quantized layers: per-channel weight quantization and an optional input quantizer."""

    weight_axis = 0

    def take_over(self, layer, momentum, quantize_input):
        """Takes over the parameters of the floating-point layer, under their names."""
        self.weight, self.bias = layer.weight, layer.bias
        self.is_off = False
        self.register_buffer("weight_scale", paddle.ones([self.weight.shape[self.weight_axis]]))
        self.input_quantizer = Quantizer(momentum) if quantize_input else None

    def fit_weight(self, kind="abs_max"):
        """Sets the weight scales by a method of WEIGHT_SCALES."""
        with paddle.no_grad():
            self.weight_scale.set_value(WEIGHT_SCALES[kind](self.weight, self.weight_axis))

    def quantized_weight(self):
        """The fake-quantized weight; in training the scales are updated first."""
        if self.is_off:
            return self.weight
        if self.training:
            self.fit_weight()
        scale = per_channel(self.weight_scale, self.weight_axis, self.weight.ndim)
        return (straight_through if self.training else fake_quantize)(self.weight, scale, *WEIGHT_ENDS)

    def quantized_input(self, x):
        """The fake-quantized input, or x if its producer has quantized it."""
        return x if self.input_quantizer is None else self.input_quantizer(x)


class QuantizedConv2D(QuantizedWeight, nn.Layer):
    """A convolution with 8-bit weights.

    Args:
        layer (nn.Conv2D): the layer to replace.
        momentum (float): of the range of its input, see Quantizer.
        quantize_input (bool): whether it quantizes its input itself.
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
    """A fully connected layer with 8-bit weights.

    Args:
        layer (nn.Linear): the layer to replace.
        momentum (float): of the range of its input, see Quantizer.
        quantize_input (bool): whether it quantizes its input itself.
    """

    weight_axis = 1

    def __init__(self, layer, momentum=1.0, quantize_input=True):
        super().__init__()
        self.take_over(layer, momentum, quantize_input)

    def forward(self, x):
        """[..., C] to [..., O]."""
        return F.linear(self.quantized_input(x), self.quantized_weight(), self.bias)


QUANTIZED = {**dict.fromkeys(CONVOLUTIONS, QuantizedConv2D), nn.Linear: QuantizedLinear}
