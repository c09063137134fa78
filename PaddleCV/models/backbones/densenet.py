"""Densely connected networks (https://arxiv.org/abs/1608.06993, table 1), with bottlenecks and compression.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 3) has stride 2^(i+2).
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.norm_conv import NormConv, NormReLU
from .staged import StagedBackbone, check_out_indices

# channels of the stem, growth rate, layers of each dense block
DEPTHS = {
    121: (64, 32, (6, 12, 24, 16)),
    161: (96, 48, (6, 12, 36, 24)),
    169: (64, 32, (6, 12, 32, 32)),
    201: (64, 32, (6, 12, 48, 32)),
    264: (64, 32, (6, 12, 64, 48)),
}
BOTTLENECK = 4  # the 1x1 convolution has as many times the growth rate


class DenseNet(StagedBackbone):
    """A stem of stride 4 and four dense blocks; transitions halve channels, H and W between them.

    Args:
        depth (int): 121, 161, 169, 201 or 264.
        width (float): multiplies the channels of the stem and the growth rate; 1.0 is the original.
        depths (list[int]): layers of each dense block, in place of those of `depth`.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self, depth=121, width=1.0, depths=None, out_indices=(1, 2, 3), freeze_stages=0, in_channels=3, norm="bn"
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"DenseNet has depth {', '.join(map(str, DEPTHS))}, not {depth}")
        channels, growth, layers = DEPTHS[depth]
        layers = tuple(depths or layers)
        if len(layers) != 4:
            raise ValueError(f"DenseNet has 4 dense blocks, depths names {len(layers)}: {list(layers)}")
        out_indices = check_out_indices("DenseNet", out_indices, 4)
        channels, growth = int(channels * width), int(growth * width)
        self.stem = nn.Sequential(
            ConvNorm(in_channels, channels, kernel_size=7, stride=2, norm=norm),
            nn.MaxPool2D(3, stride=2, padding=1),
        )
        self.stages, widths = nn.LayerList(), []
        for index, count in enumerate(layers[: out_indices[-1] + 1]):
            parts = []
            if index > 0:
                parts += [NormConv(channels, channels // 2, norm=norm), nn.AvgPool2D(2, stride=2)]
                channels //= 2
            for _ in range(count):
                parts.append(DenseLayer(channels, growth, norm))
                channels += growth
            if index == 3:
                parts.append(NormReLU(channels, norm))
            self.stages.append(nn.Sequential(*parts))
            widths.append(channels)
        self.finish(out_indices, widths, [4, 8, 16, 32], freeze_stages)


class DenseLayer(nn.Layer):
    """1x1 and 3x3 convolution to `growth` channels, which are concatenated behind the input."""

    def __init__(self, in_channels, growth, norm):
        super().__init__()
        self.reduce = NormConv(in_channels, BOTTLENECK * growth, norm=norm)
        self.grow = NormConv(BOTTLENECK * growth, growth, kernel_size=3, norm=norm)

    def forward(self, x):
        return paddle.concat([x, self.grow(self.reduce(x))], axis=1)
