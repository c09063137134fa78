"""ShuffleNet V2 (https://arxiv.org/abs/1807.11164, figure 3 and table 5).

The widths 0.25 and 0.33, and swish in place of ReLU, are the official collection's, not the paper's.

Shapes in this file:
    N images, C channels, H x W pixels; stage i (0 to 2) has stride 2^(i+3); stage 3 is the 1x1 convolution after the
    units, of stride 32.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

# channels of the stem, of stages 0 to 2, and of the last convolution
WIDTHS = {
    0.25: (24, 24, 48, 96, 512),
    0.33: (24, 32, 64, 128, 512),
    0.5: (24, 48, 96, 192, 1024),
    1.0: (24, 116, 232, 464, 1024),
    1.5: (24, 176, 352, 704, 1024),
    2.0: (24, 244, 488, 976, 2048),
}
REPEATS = (4, 8, 4)


class ShuffleNetV2(StagedBackbone):
    """A stem of stride 4, three stages of units that split and shuffle channels, and a 1x1 convolution.

    Args:
        scale (float): 0.25, 0.33, 0.5, 1.0, 1.5 or 2.0 of the paper's channels.
        activation (str): relu or swish.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, scale=1.0, activation="relu", out_indices=(0, 1, 2), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        if scale not in WIDTHS:
            raise ValueError(f"ShuffleNetV2 has scale {', '.join(map(str, WIDTHS))}, not {scale}")
        out_indices = check_out_indices("ShuffleNetV2", out_indices, 4)
        channels, *widths = WIDTHS[scale]
        self.stem = nn.Sequential(
            ConvNorm(in_channels, channels, stride=2, activation=activation, norm=norm),
            nn.MaxPool2D(3, stride=2, padding=1),
        )
        self.stages = nn.LayerList()
        for width, repeats in list(zip(widths, REPEATS))[: out_indices[-1] + 1]:
            units = [ShuffleDownUnit(channels, width, activation, norm)]
            units += [ShuffleUnit(width, activation, norm) for _ in range(repeats - 1)]
            self.stages.append(nn.Sequential(*units))
            channels = width
        if out_indices[-1] == 3:
            self.stages.append(ConvNorm(channels, widths[-1], kernel_size=1, activation=activation, norm=norm))
        self.finish(out_indices, widths, [8, 16, 32, 32], freeze_stages)


class ShuffleUnit(nn.Layer):
    """Half of the channels pass, the other half go through three convolutions; then both are shuffled (figure 3c)."""

    def __init__(self, channels, activation, norm):
        super().__init__()
        self.half = channels // 2
        self.branch = branch(self.half, self.half, 1, activation, norm)

    def forward(self, x):
        kept, changed = paddle.split(x, 2, axis=1)
        return channel_shuffle(paddle.concat([kept, self.branch(changed)], axis=1), 2)


class ShuffleDownUnit(nn.Layer):
    """Two branches of stride 2, each to half of the new channels; then both are shuffled (figure 3d)."""

    def __init__(self, in_channels, out_channels, activation, norm):
        super().__init__()
        half = out_channels // 2
        self.short = nn.Sequential(
            ConvNorm(in_channels, in_channels, stride=2, groups=in_channels, activation="none", norm=norm),
            ConvNorm(in_channels, half, kernel_size=1, activation=activation, norm=norm),
        )
        self.branch = branch(in_channels, half, 2, activation, norm)

    def forward(self, x):
        return channel_shuffle(paddle.concat([self.short(x), self.branch(x)], axis=1), 2)


def branch(in_channels, channels, stride, activation, norm):
    """1x1, depthwise 3x3 without activation, 1x1."""
    return nn.Sequential(
        ConvNorm(in_channels, channels, kernel_size=1, activation=activation, norm=norm),
        ConvNorm(channels, channels, stride=stride, groups=channels, activation="none", norm=norm),
        ConvNorm(channels, channels, kernel_size=1, activation=activation, norm=norm),
    )


def channel_shuffle(x, groups):
    """Interleaves the channels of an x [N, C, H, W]: with 2 groups, 0 1 2 3 becomes 0 2 1 3."""
    return nn.functional.channel_shuffle(x, groups)
