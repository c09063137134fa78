"""The neck of PyramidBox (https://arxiv.org/abs/1803.07737, sections 3.1 and 3.2).

Shapes in this file:
    N images, C channels, H x W cells of one level; levels run from the finest to the coarsest, each of about half the
    height and width of the one before.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.context_module import ContextModule
from .ssd_extras import L2Norm, SSDExtras


class LowLevelFPN(nn.Layer):
    """Levels coarser than the backbone's, a top-down path that begins in the middle, and a context module of each.

    Small faces need the context of levels that see about half of the image; what coarser levels see is no help.

    Args:
        in_channels (list[int]): channels of each level, given by the backbone.
        strides (list[int]): input pixels per cell of each level, given by the backbone.
        blocks (list[list[int]]): of each coarser level, as of SSDExtras.
        top (int): the level that the top-down path begins with.
        channels (int): of the residual blocks of the context modules, which return half as many.
        scales (list[float]): of the first levels, the first values of the factors after their L2 normalization.
    """

    def __init__(self, in_channels, strides, blocks, top=3, channels=1024, scales=(10.0, 8.0, 5.0)):
        super().__init__()
        self.extras = SSDExtras(in_channels, strides, blocks)
        received, self.strides = self.extras.out_channels, self.extras.strides
        if not 0 < top < len(received) or len(scales) > len(received):
            raise ValueError(
                f"LowLevelFPN has {len(received)} levels; top is 1 to {len(received) - 1}, not {top}, and there are "
                f"no more scales than levels, not {len(scales)}"
            )
        fine, coarse = received[:top], received[1 : top + 1]
        self.laterals = nn.LayerList(nn.Conv2D(own, own, 1) for own in fine)
        self.downs = nn.LayerList(nn.Conv2D(above, own, 1) for above, own in zip(coarse, fine))
        self.ups = nn.LayerList(BilinearUpsample(own) for own in fine)
        self.contexts = nn.LayerList(ContextModule(count, channels) for count in received)
        self.norms = nn.LayerList(L2Norm(channels // 2, scale) for scale in scales)
        self.out_channels = [channels // 2] * len(received)

    def forward(self, features):
        """Features [N, channels / 2, H, W] of each level."""
        levels = self.extras(features)
        for index in range(len(self.ups) - 1, -1, -1):
            lateral = F.relu(self.laterals[index](levels[index]))
            height, width = paddle.shape(lateral)[2], paddle.shape(lateral)[3]
            above = self.ups[index](F.relu(self.downs[index](levels[index + 1])))
            levels[index] = above[:, :, :height, :width] * lateral
        levels = [context(level) for context, level in zip(self.contexts, levels)]
        return [norm(level) for norm, level in zip(self.norms, levels)] + levels[len(self.norms) :]


class BilinearUpsample(nn.Conv2DTranspose):
    """Doubles H and W by a transposed convolution of each channel, whose weights begin as bilinear interpolation.

    Args:
        channels (int): C of [N, C, H, W].
    """

    def __init__(self, channels):
        super().__init__(channels, channels, 4, stride=2, padding=1, groups=channels, bias_attr=False)
        ramp = np.array([0.25, 0.75, 0.75, 0.25], "float32")
        self.weight.set_value(np.broadcast_to(np.outer(ramp, ramp), self.weight.shape).copy())
