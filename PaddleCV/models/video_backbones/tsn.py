"""Temporal segment networks (https://arxiv.org/abs/1608.00859, section 3.1): an image network on frames, averaged.

Shapes in this file:
    N clips of T frames of H x W pixels, D features.
"""

import paddle
from paddle.nn import functional as F

from ..backbones.resnet import ResNet


class TSN(ResNet):
    """A ResNet of each frame; the features of a clip are the mean over its frames.

    Args:
        depth (int): of the ResNet; with the variant, width and blocks as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies the number of channels.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
    """

    view_frames = None  # all frames are of one view, however many

    def __init__(self, depth=50, variant="b", width=1.0, blocks=None):
        super().__init__(depth, variant, width, out_indices=(3,), blocks=blocks)

    def forward(self, clip):
        """Features, a list of one [N, D, 1, 1], of clips [N, T, 3, H, W]."""
        (features,) = super().forward(clip.flatten(0, 1))
        return [average_frames(features, clip)]


def average_frames(features, clip):
    """The mean over places and frames, [N, D, 1, 1], of the features [N T, D, h, w] of the frames of N clips."""
    pooled = F.adaptive_avg_pool2d(features, 1).flatten(1)  # [N T, D]
    return mean_over_axis_1(pooled.reshape([clip.shape[0], -1, pooled.shape[1]])).unsqueeze([2, 3])


def mean_over_axis_1(x):
    """The mean over the second axis; the framework's own writes a line to standard output where oneDNN is used."""
    return x.sum(1) / paddle.shape(x)[1].astype(x.dtype)
