"""Xception (https://arxiv.org/abs/1610.02357, figure 5), with 41, 65 or 71 layers.

As the official definition has it, unlike the paper: a separable convolution is the 1x1 convolution first and the
depthwise one after it, each with batch normalization; the 1x1 convolutions of the shortcuts have none; convolutions and
poolings are padded. Of 71 layers the entry flow has five blocks, every second of stride 1. `XceptionDeepLab` is the
other one of the same names.

Shapes in this file:
    N images, C channels, H x W pixels; stage i (0 to 3) has stride 2^(i+2).
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .output_stride import OutputStride
from .staged import StagedBackbone, check_out_indices

# channels and stride of each block of the entry flow
ENTRY = {
    41: ((128, 2), (256, 2), (728, 2)),
    65: ((128, 2), (256, 2), (728, 2)),
    71: ((128, 2), (256, 1), (256, 2), (728, 1), (728, 2)),
}
MIDDLE = {41: 8, 65: 16, 71: 16}  # blocks of the middle flow
EXIT = (1024, 1536, 2048)


class Xception(StagedBackbone):
    """Entry, middle and exit flow of separable convolutions with shortcuts around them.

    Args:
        depth (int): 41, 65 or 71 layers.
        width (float): multiplies every number of channels; 1.0 is the original.
        middle (int): blocks of the middle flow, in place of those of `depth`; 0 takes those.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        output_stride (int): of the coarsest features; 8 or 16 dilates the stages beyond it.
    """

    def __init__(
        self,
        depth=65,
        width=1.0,
        middle=0,
        out_indices=(1, 2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
    ):
        super().__init__()
        if depth not in ENTRY:
            raise ValueError(f"Xception has depth {', '.join(map(str, ENTRY))}, not {depth}")
        out_indices = check_out_indices("Xception", out_indices, 4)
        steps = OutputStride("Xception", output_stride)
        channels = int(64 * width)
        self.stem = nn.Sequential(
            ConvNorm(in_channels, int(32 * width), stride=steps.next(2)[0], norm=norm),
            ConvNorm(int(32 * width), channels, norm=norm),
        )
        stages, widths, strides = [], [], []
        for index, (out_channels, stride) in enumerate(ENTRY[depth]):
            if stride == 2:
                stages.append(nn.Sequential())
                widths.append(0)
                strides.append(0)
            out_channels = widths[-1] = int(out_channels * width)
            given = (channels, (out_channels, out_channels), *steps.next(stride), norm, index > 0)
            stages[-1].add_sublayer(str(len(stages[-1])), XceptionBlock(*given))
            channels, strides[-1] = out_channels, steps.reached
        for _ in range(middle or MIDDLE[depth]):
            block = XceptionMiddleBlock(channels, steps.next(1)[1], norm)
            stages[-1].add_sublayer(str(len(stages[-1])), block)
        first, second, last = (int(count * width) for count in EXIT)
        if out_indices[-1] == 3:
            block = XceptionBlock(channels, (channels, first), *steps.next(2), norm)
            dilation = steps.next(1)[1]
            separable = SeparableConv(first, second, norm, dilation), SeparableConv(second, last, norm, dilation)
            stages.append(nn.Sequential(block, separable[0], nn.ReLU(), separable[1], nn.ReLU()))
        self.stages = nn.LayerList(stages[: out_indices[-1] + 1])
        self.finish(out_indices, [*widths, last], [*strides, steps.reached], freeze_stages)


class SeparableConv(nn.Layer):
    """A 1x1 convolution, then a depthwise 3x3 convolution; no activation."""

    def __init__(self, in_channels, out_channels, norm, dilation=1):
        super().__init__()
        self.pointwise = ConvNorm(in_channels, out_channels, kernel_size=1, activation="none", norm=norm)
        self.depthwise = ConvNorm(
            out_channels, out_channels, groups=out_channels, activation="none", norm=norm, dilation=dilation
        )

    def forward(self, x):
        return self.depthwise(self.pointwise(x))


class XceptionBlock(nn.Layer):
    """Two separable convolutions and pooling, and a 1x1 convolution around them; ReLU, but for `first_relu`, before."""

    def __init__(self, in_channels, channels, stride, dilation, norm, first_relu=True):
        super().__init__()
        self.first_relu = first_relu
        self.shortcut = nn.Conv2D(in_channels, channels[1], 1, stride=stride, bias_attr=False)
        self.first = SeparableConv(in_channels, channels[0], norm, dilation)
        self.second = SeparableConv(channels[0], channels[1], norm, dilation)
        self.pool = nn.MaxPool2D(3, stride=stride, padding=1)

    def forward(self, x):
        inner = self.first(F.relu(x) if self.first_relu else x)
        return self.shortcut(x) + self.pool(self.second(F.relu(inner)))


class XceptionMiddleBlock(nn.Layer):
    """Three separable convolutions with ReLU before each, and the shortcut around them."""

    def __init__(self, channels, dilation, norm):
        super().__init__()
        self.convs = nn.LayerList(SeparableConv(channels, channels, norm, dilation) for _ in range(3))

    def forward(self, x):
        y = x
        for conv in self.convs:
            y = conv(F.relu(y))
        return x + y
