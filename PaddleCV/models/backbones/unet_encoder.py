"""The contracting path of U-Net (https://arxiv.org/abs/1505.04597, figure 1), with padding and batch normalization.

Shapes in this file:
    N images of H x W pixels; level i has stride 2^i.
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices


class UNetEncoder(StagedBackbone):
    """Two 3x3 convolutions a level, and max-pooling between the levels.

    Args:
        channels (list[int]): of each level; the paper has 64, 128, 256, 512, 1024, the original kit 512 at the end.
        width (float): multiplies every number of channels.
        out_indices (list[int] | None): the levels whose outputs are returned; None for all.
        freeze_stages (int): this many levels are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self,
        channels=(64, 128, 256, 512, 512),
        width=1.0,
        out_indices=None,
        freeze_stages=0,
        in_channels=3,
        norm="bn",
    ):
        super().__init__()
        channels = [max(1, int(count * width)) for count in channels]
        out_indices = check_out_indices(
            "UNetEncoder", range(len(channels)) if out_indices is None else out_indices, len(channels)
        )
        self.stem, self.stages, before = nn.Identity(), nn.LayerList(), in_channels
        for level, count in enumerate(channels[: out_indices[-1] + 1]):
            pool = [nn.MaxPool2D(2)] if level else []
            self.stages.append(nn.Sequential(*pool, *double_conv(before, count, norm)))
            before = count
        self.finish(out_indices, channels, [2**level for level in range(len(channels))], freeze_stages)


def double_conv(in_channels, channels, norm):
    """Two 3x3 convolutions with normalization and ReLU, a list."""
    return [ConvNorm(in_channels, channels, norm=norm), ConvNorm(channels, channels, norm=norm)]
