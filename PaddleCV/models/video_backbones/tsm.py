"""The temporal shift module (https://arxiv.org/abs/1811.08383, section 3 and figure 5b): neighbors see each other.

At the start of every residual branch an eighth of the channels comes from the frame before and an eighth from the
frame after; what is moved in at the ends is 0.  It adds no parameters and no multiplications.

Shapes in this file:
    N clips of T frames of H x W pixels, D features.
"""

import paddle
from paddle.nn import functional as F

from ..backbones.resnet import BASIC, ResNet
from ..blocks.conv_norm import ConvNorm
from .tsn import average_frames


class TSM(ResNet):
    """A ResNet of each frame, whose residual branches begin with a temporal shift.

    Args:
        segments (int): T, the frames of a clip.
        depth (int): of the ResNet; with the variant, width and blocks as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies the number of channels.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
        shift (float): share of the channels that come from the frame before, and as many from the frame after.
    """

    def __init__(self, segments=8, depth=50, variant="b", width=1.0, blocks=None, shift=0.125):
        if segments < 2:
            raise ValueError(f"TSM got segments {segments}; a clip has 2 frames or more")
        if not 0 < shift <= 0.5:
            raise ValueError(f"TSM got shift {shift}; it is above 0 and at most 0.5")
        super().__init__(depth, variant, width, out_indices=(3,), blocks=blocks)
        self.view_frames = segments
        first = "first" if depth in BASIC else "reduce"
        for stage in self.stages:
            for block in stage:
                setattr(block, first, ShiftedConvNorm(getattr(block, first), segments, shift))

    def forward(self, clip):
        """Features, a list of one [N, D, 1, 1], of clips [N, T, 3, H, W]."""
        (features,) = super().forward(clip.flatten(0, 1))
        return [average_frames(features, clip)]


class ShiftedConvNorm(ConvNorm):
    """A temporal shift, and then the layers of a ConvNorm under its names.

    Args:
        plain (ConvNorm): whose layers it takes.
        segments (int): T.
        share (float): see :func:`shift_frames`.
    """

    def __init__(self, plain, segments, share):
        paddle.nn.Sequential.__init__(self, *plain.named_children())
        self.segments, self.share = segments, share

    def forward(self, x):
        """See ConvNorm; x is [N T, D, H, W]."""
        return super().forward(shift_frames(x, self.segments, self.share))


def shift_frames(x, segments, share):
    """Features [N T, D, H, W] whose first `share` of channels are those of the frame before, the next of the one after.

    Args:
        x (Tensor): float32 [N T, D, H, W].
        segments (int): T.
        share (float): of the channels.
    """
    return F.temporal_shift(x, segments, share)
