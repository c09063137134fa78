"""Dual path networks (https://arxiv.org/abs/1707.01629, figure 2d and table 1).

A block has two kinds of channels: `width` of them are added to the input, as in a ResNeXt; the others are concatenated
behind it, as in a DenseNet.

Shapes in this file:
    N images, H x W pixels; stage i (0 to 3) has stride 2^(i+2); a block takes and gives a pair of maps, the residual
    path [N, width, h, w] and the dense path [N, more, h, w].
"""

import dataclasses

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.norm_conv import NormConv, NormReLU
from .staged import StagedBackbone, check_out_indices


@dataclasses.dataclass(frozen=True)
class DPNSize:
    """The numbers of one network, which double from stage to stage where they are one number.

    Args:
        stem (int): channels of the stem.
        kernel_size (int): of the stem.
        width (int): channels of the residual path in stage 0.
        inner (int): channels between the 1x1 convolutions in stage 0.
        groups (int): of the 3x3 convolution.
        growths (tuple[int, ...]): channels by which the dense path grows, of each stage.
        depths (tuple[int, ...]): blocks of each stage.
    """

    stem: int
    kernel_size: int
    width: int
    inner: int
    groups: int
    growths: tuple
    depths: tuple


DEPTHS = {
    68: DPNSize(10, 3, 64, 128, 32, (16, 32, 32, 64), (3, 4, 12, 3)),
    92: DPNSize(64, 7, 256, 96, 32, (16, 32, 24, 128), (3, 4, 20, 3)),
    98: DPNSize(96, 7, 256, 160, 40, (16, 32, 32, 128), (3, 6, 20, 3)),
    107: DPNSize(128, 7, 256, 200, 50, (20, 64, 64, 128), (4, 8, 20, 3)),
    131: DPNSize(128, 7, 256, 160, 40, (16, 32, 32, 128), (4, 8, 28, 3)),
}


class DPN(StagedBackbone):
    """A stem of stride 4 and four stages of dual path blocks.

    Args:
        depth (int): 68, 92, 98, 107 or 131.
        width (float): multiplies every number of channels and of groups; 1.0 is the original.
        depths (list[int]): blocks of each stage, in place of those of `depth`.
        out_indices (list[int]): the stages whose outputs are returned, both paths together, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self, depth=92, width=1.0, depths=None, out_indices=(1, 2, 3), freeze_stages=0, in_channels=3, norm="bn"
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"DPN has depth {', '.join(map(str, DEPTHS))}, not {depth}")
        out_indices = check_out_indices("DPN", out_indices, 4)
        size = scale_size(DEPTHS[depth], width, depths)
        self.stem = nn.Sequential(
            ConvNorm(in_channels, size.stem, kernel_size=size.kernel_size, stride=2, norm=norm),
            nn.MaxPool2D(3, stride=2, padding=1),
        )
        self.stages, widths, channels = nn.LayerList(), [], size.stem
        for index in range(out_indices[-1] + 1):
            given = size.width * 2**index, size.inner * 2**index, size.growths[index], size.groups
            blocks = nn.Sequential()
            for block in range(size.depths[index]):
                stride = (2 if index > 0 else 1) if block == 0 else 0
                blocks.add_sublayer(str(block), DualPath(channels, *given, stride, norm))
                channels = blocks[-1].out_channels
            if index == 3:
                blocks.add_sublayer(str(len(blocks)), JoinedNorm(channels, norm))
            self.stages.append(blocks)
            widths.append(channels)
        self.finish(out_indices, widths, [4, 8, 16, 32], freeze_stages)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each stage in `out_indices`, the finest first."""
        x = self.stem(image)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.out_indices:
                features.append(join_paths(x))
        return features


class DualPath(nn.Layer):
    """1x1, grouped 3x3 and 1x1 convolution, whose channels are split between the paths; `stride` 0: not a first block.

    The first block of a stage projects its input to both paths.
    """

    def __init__(self, in_channels, width, inner, growth, groups, stride, norm):
        super().__init__()
        self.width = width
        self.out_channels = width + 3 * growth if stride else in_channels + growth
        self.project = None
        if stride:
            self.project = NormConv(in_channels, width + 2 * growth, stride=stride, norm=norm)
        self.layers = nn.Sequential(
            NormConv(in_channels, inner, norm=norm),
            NormConv(inner, inner, kernel_size=3, stride=max(1, stride), groups=groups, norm=norm),
            NormConv(inner, width + growth, norm=norm),
        )

    def forward(self, paths):
        x = join_paths(paths)
        if self.project is not None:
            paths = split(self.project(x), self.width)
        added, behind = split(self.layers(x), self.width)
        return paths[0] + added, paddle.concat([paths[1], behind], axis=1)


class JoinedNorm(NormReLU):
    """Batch normalization and ReLU of both paths together."""

    def forward(self, paths):
        return super().forward(join_paths(paths))


def scale_size(size, width, depths=None):
    """A DPNSize with channels and groups multiplied by `width`, and with other `depths` where they are given."""
    depths = tuple(depths or size.depths)
    if len(depths) != 4:
        raise ValueError(f"DPN has 4 stages, depths names {len(depths)}: {list(depths)}")
    numbers = {name: int(getattr(size, name) * width) for name in ("stem", "width", "inner", "groups")}
    growths = tuple(int(growth * width) for growth in size.growths)
    return dataclasses.replace(size, depths=depths, growths=growths, **numbers)


def split(x, width):
    """The first `width` channels of an x [N, C, h, w], and the others."""
    return x[:, :width], x[:, width:]


def join_paths(paths):
    """Both paths concatenated; a single map stays as it is."""
    return paddle.concat(list(paths), axis=1) if isinstance(paths, tuple) else paths
