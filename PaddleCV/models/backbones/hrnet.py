"""HRNet: high-resolution features kept beside coarser ones (https://arxiv.org/abs/1908.07919, section 3).

Shapes in this file:
    N images of H x W pixels; branch i (0 to 3) has stride 2^(i+2) and 2^i times the channels of the first.
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import resize_as
from .resnet import BasicBlock, Bottleneck, shortcut
from .staged import StagedBackbone, check_out_indices

STEM = 64
MODULES = (1, 4, 3)  # of the stages of 2, 3 and 4 branches
BLOCKS = 4  # of each branch in a module, and of the first stage


class HRNet(StagedBackbone):
    """Stages of parallel branches, each with one branch more, whose features are exchanged after every module.

    Args:
        channels (int): of the first branch: 18, 30, 32, 40, 44, 48 or 64 in the paper.
        width (float): multiplies the channels of stem and first stage.
        modules (list[int]): of the stages of two, three and four branches.
        blocks (int): of each branch in a module.
        out_indices (list[int]): the branches whose features are returned, 0 to 3.
        freeze_stages (int): the stem and this many of the four stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        align_corners (bool): of the enlargement between branches, see `resize_as`.
    """

    def __init__(
        self,
        channels=18,
        width=1.0,
        modules=MODULES,
        blocks=BLOCKS,
        out_indices=(0, 1, 2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        align_corners=True,
    ):
        super().__init__()
        out_indices = check_out_indices("HRNet", out_indices, 4)
        if len(modules) != 3 or min(modules) < 1 or blocks < 1:
            raise ValueError(
                f"HRNet got modules {list(modules)} and blocks {blocks}; three numbers, and 1 or more each"
            )
        stem = max(1, int(STEM * width))
        self.stem = nn.Sequential(
            ConvNorm(in_channels, stem, stride=2, norm=norm), ConvNorm(stem, stem, stride=2, norm=norm)
        )
        members, before = [], stem
        for _ in range(blocks):
            around = nn.Identity() if members else shortcut(stem, 4 * stem, 1, "b", norm)
            members.append(Bottleneck(before, stem, 4 * stem, around, 1, 1, 1, False, norm))
            before = 4 * stem
        given = [before]
        self.stages = nn.LayerList([nn.Sequential(*members)])
        for number, count in enumerate(modules):
            widths = [channels * 2**branch for branch in range(number + 2)]
            self.stages.append(
                nn.Sequential(
                    Transition(given, widths, norm),
                    *(Exchange(widths, blocks, norm, align_corners) for _ in range(count)),
                )
            )
            given = widths
        self.finish(out_indices, given, [4, 8, 16, 32], freeze_stages)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each branch in `out_indices`, the finest first."""
        features = [self.stages[0](self.stem(image))]
        for stage in self.stages[1:]:
            features = stage(features)
        return [features[index] for index in self.out_indices]


class Transition(nn.Layer):
    """The branches of a stage from those of the one before: one is added, of half the resolution of the last."""

    def __init__(self, given, widths, norm):
        super().__init__()
        same = [nn.Identity() if old == new else ConvNorm(old, new, norm=norm) for old, new in zip(given, widths)]
        self.branches = nn.LayerList([*same, ConvNorm(given[-1], widths[-1], stride=2, norm=norm)])

    def forward(self, features):
        return [branch(x) for branch, x in zip(self.branches, [*features, features[-1]])]


class Exchange(nn.Layer):
    """Residual blocks in each branch; then each becomes the sum of all, brought to its resolution and channels."""

    def __init__(self, widths, blocks, norm, align_corners):
        super().__init__()
        self.align_corners = align_corners
        self.branches = nn.LayerList(
            nn.Sequential(
                *(BasicBlock(width, width, width, nn.Identity(), 1, 1, 1, False, norm) for _ in range(blocks))
            )
            for width in widths
        )
        self.paths = nn.LayerList(
            nn.LayerList(path(widths, source, target, norm) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, features):
        features = [branch(x) for branch, x in zip(self.branches, features)]
        found = []
        for target, paths in enumerate(self.paths):
            parts = [change(x) for change, x in zip(paths, features)]
            parts[target + 1 :] = [resize_as(x, features[target], self.align_corners) for x in parts[target + 1 :]]
            found.append(F.relu(sum(parts)))
        return found


def path(widths, source, target, norm):
    """The layer from one branch to another: strided convolutions to a coarser one, a 1x1 one before an enlargement."""
    if source == target:
        return nn.Identity()
    if source > target:
        return ConvNorm(widths[source], widths[target], kernel_size=1, activation="none", norm=norm)
    steps = [ConvNorm(widths[source], widths[source], stride=2, norm=norm) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, ConvNorm(widths[source], widths[target], stride=2, activation="none", norm=norm))
