"""nn.Conv2D, done on CPUs by oneDNN where that suits (see common/layers/fused_conv.py).

Shapes in this file:
    x [N, C, H, W], weight [O, C / groups, k, l], y [N, O, H', W'].
"""

from paddle import nn

from common.layers import fused_conv


class Conv2D(nn.Conv2D):
    """The framework's convolution, with its arguments, parameters and export: [N, C, H, W] to [N, O, H', W']."""

    def forward(self, x):
        y = fast(self, x, self.weight)
        return super().forward(x) if y is None else y


def fast(layer, x, weight):
    """What a layer with the attributes of an nn.Conv2D answers, with this weight; None where oneDNN does not suit."""
    geometry = geometry_of(layer, x.shape[2:]) if fused_conv.suits(x) else None
    if geometry is None:
        return None
    y = fused_conv.conv2d(x, weight, *geometry)
    return y if layer.bias is None else y + layer.bias.reshape([1, -1, 1, 1])


def geometry_of(layer, size):
    """How `fused_conv` names the geometry of an nn.Conv2D for an x of [H, W]: stride, padding, groups, dilation.

    The padding is (top, left, bottom, right). None of what oneDNN is not asked for: unequal strides or dilations,
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
