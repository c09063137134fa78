"""Residual networks for images of 32 pixels (https://arxiv.org/abs/1512.03385, section 4.2).

Shapes in this file:
    N images of H x W pixels; stage i (0 to 2) has stride 2^i and 16 * 2^i channels (times `width`).
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .resnet import BasicBlock, shortcut
from .staged import StagedBackbone, check_out_indices
from .tables import per_stage


class SmallResNet(StagedBackbone):
    """A 3x3 convolution that keeps the size, and three stages of residual blocks.

    A block whose shape changes has a 1x1 convolution in its shortcut (the paper's option B).  Wider ones are those of
    https://arxiv.org/abs/1605.07146, but for the order of normalization and convolution.

    Args:
        depth (int): layers, 6 n + 2: the paper has 20, 32, 44, 56 and 110.
        width (float | list[float]): multiplies every number of channels, or those of each stage.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 2.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        blocks (list[int] | None): blocks of each of the three stages; None for those of `depth`.
    """

    def __init__(
        self, depth=20, width=1.0, out_indices=(0, 1, 2), freeze_stages=0, in_channels=3, norm="bn", blocks=None
    ):
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"SmallResNet has a depth of 6 n + 2, such as 8, 14 and 20, not {depth}")
        out_indices = check_out_indices("SmallResNet", out_indices, 3)
        blocks, widths = per_stage("SmallResNet", blocks or [(depth - 2) // 6] * 3, width, 3)
        channels = max(1, int(16 * widths[0]))
        self.stem = ConvNorm(in_channels, channels, norm=norm)
        self.stages, given = nn.LayerList(), []
        for stage in range(out_indices[-1] + 1):
            out_channels, members = max(1, int(16 * widths[stage])) * 2**stage, []
            for position in range(blocks[stage]):
                stride = 2 if stage > 0 and position == 0 else 1
                changes = channels != out_channels or stride > 1
                around = shortcut(channels, out_channels, stride, "b", norm) if changes else nn.Identity()
                members.append(BasicBlock(channels, out_channels, out_channels, around, stride, 1, 1, False, norm))
                channels = out_channels
            self.stages.append(nn.Sequential(*members))
            given.append(channels)
        self.finish(out_indices, given, [1, 2, 4], freeze_stages)
