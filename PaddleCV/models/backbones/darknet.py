"""DarkNet, the backbone of YOLOv3 (https://arxiv.org/abs/1804.02767, section 2.4, table 1).

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1) and 64 * 2^i channels (times `width`).
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

DEPTHS = {53: (1, 2, 8, 8, 4)}


class DarkNet(StagedBackbone):
    """Five stages, each a convolution of stride 2 and residual blocks.

    Args:
        depth (int): 53, the number of layers of the original with its classifier.
        depths (list[int]): residual blocks of each of the five stages, in place of those of `depth`.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        activation (str): leaky_relu; or relu, which the official classifier and its weights have.
    """

    def __init__(
        self,
        depth=53,
        depths=None,
        width=1.0,
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        activation="leaky_relu",
    ):
        super().__init__()
        if depths is None and depth not in DEPTHS:
            raise ValueError(f"DarkNet has depth {', '.join(map(str, DEPTHS))}, not {depth}; give `depths` for another")
        depths = tuple(depths or DEPTHS[depth])
        if len(depths) != 5:
            raise ValueError(f"DarkNet has 5 stages, depths names {len(depths)}: {list(depths)}")
        channels = [max(8, int(32 * 2**i * width)) for i in range(6)]
        out_indices = check_out_indices("DarkNet", out_indices, 5)
        self.stem = ConvNorm(in_channels, channels[0], activation=activation, norm=norm)
        self.stages = nn.LayerList(
            DarkNetStage(channels[i], channels[i + 1], depths[i], norm, activation) for i in range(out_indices[-1] + 1)
        )
        self.finish(out_indices, channels[1:], [2 ** (i + 1) for i in range(5)], freeze_stages)


class DarkNetStage(nn.Layer):
    """A 3x3 convolution of stride 2, then `num_blocks` residual blocks."""

    def __init__(self, in_channels, out_channels, num_blocks, norm, activation):
        super().__init__()
        self.downsample = ConvNorm(in_channels, out_channels, stride=2, activation=activation, norm=norm)
        self.blocks = nn.Sequential(*(DarkNetBlock(out_channels, norm, activation) for _ in range(num_blocks)))

    def forward(self, x):
        return self.blocks(self.downsample(x))


class DarkNetBlock(nn.Layer):
    """A 1x1 convolution to half the channels, a 3x3 one back, and the shortcut around both."""

    def __init__(self, channels, norm, activation):
        super().__init__()
        self.reduce = ConvNorm(channels, channels // 2, kernel_size=1, activation=activation, norm=norm)
        self.expand = ConvNorm(channels // 2, channels, activation=activation, norm=norm)

    def forward(self, x):
        return x + self.expand(self.reduce(x))
