"""The feature pyramid of YOLOv3 (https://arxiv.org/abs/1804.02767, section 2.3).

Shapes in this file:
    N images; the input levels run from the finest to the coarsest, the output levels from the coarsest to the finest.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import upsample_nearest


class YOLOv3FPN(nn.Layer):
    """Six convolutions at each level, and an upsampled path from each level to the next finer one.

    Args:
        in_channels (list[int]): channels of each level from the finest to the coarsest, given by the backbone.
        channels (int): width of the coarsest level's 1x1 convolutions; each finer level has half of it.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, channels=512, norm="bn"):
        super().__init__()
        self.out_channels = []
        self.blocks = nn.LayerList()
        self.transitions = nn.LayerList()
        carried = 0  # channels that come down from the coarser level
        for level, received in enumerate(reversed(in_channels)):
            width = channels // 2**level
            self.blocks.append(YOLOv3Block(received + carried, width, norm))
            self.out_channels.append(2 * width)
            if level < len(in_channels) - 1:
                carried = width // 2
                self.transitions.append(ConvNorm(width, carried, kernel_size=1, activation="leaky_relu", norm=norm))

    def forward(self, features):
        """Features [N, out_channels, H, W] of each level, from the coarsest to the finest."""
        outputs = []
        carried = None
        for level, feature in enumerate(reversed(features)):
            if carried is not None:
                feature = paddle.concat([carried, feature], axis=1)
            route, tip = self.blocks[level](feature)
            outputs.append(tip)
            if level < len(self.transitions):
                carried = upsample_nearest(self.transitions[level](route))
        return outputs


class YOLOv3Block(nn.Layer):
    """Alternating 1x1 and 3x3 convolutions; the fifth goes to the finer level, the sixth to the head."""

    def __init__(self, in_channels, channels, norm):
        super().__init__()
        layers = []
        for _ in range(2):
            layers += [
                ConvNorm(in_channels, channels, kernel_size=1, activation="leaky_relu", norm=norm),
                ConvNorm(channels, 2 * channels, activation="leaky_relu", norm=norm),
            ]
            in_channels = 2 * channels
        layers.append(ConvNorm(in_channels, channels, kernel_size=1, activation="leaky_relu", norm=norm))
        self.route = nn.Sequential(*layers)
        self.tip = ConvNorm(channels, 2 * channels, activation="leaky_relu", norm=norm)

    def forward(self, x):
        route = self.route(x)
        return route, self.tip(route)
