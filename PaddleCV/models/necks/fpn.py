"""Feature pyramid networks (https://arxiv.org/abs/1612.03144, section 3).

Shapes in this file:
    N images; levels run from the finest to the coarsest, each of twice the stride of the one before.
"""

import itertools

from paddle import nn
from paddle.nn import functional as F

from ..blocks.upsample import upsample_nearest

EXTRA = ("pool", "conv_input", "conv_output", "none")


class FPN(nn.Layer):
    """A 1x1 convolution of each level, the upsampled coarser level added to it, and a 3x3 convolution.

    Args:
        in_channels (list[int]): channels of each level, given by the backbone.
        strides (list[int]): input pixels per cell of each level, given by the backbone.
        channels (int): of every output level.
        extra (str): coarser levels: pool adds one by leaving out every second row and column; conv_input and
            conv_output add two by convolutions of stride 2 (RetinaNet, https://arxiv.org/abs/1708.02002, section 4), of
            the backbone's coarsest level, as in the paper, or of this network's, as in later programs; none adds none.
    """

    def __init__(self, in_channels, strides, channels=256, extra="pool"):
        super().__init__()
        if extra not in EXTRA:
            raise ValueError(f"FPN has extra {', '.join(EXTRA)}, not {extra!r}")
        if any(coarse != 2 * fine for fine, coarse in itertools.pairwise(strides)):
            raise ValueError(
                f"FPN takes levels of which each has twice the stride of the one before, not {list(strides)}"
            )
        self.extra = extra
        self.laterals = nn.LayerList(nn.Conv2D(received, channels, 1) for received in in_channels)
        self.outputs = nn.LayerList(nn.Conv2D(channels, channels, 3, padding=1) for _ in in_channels)
        self.strides = list(strides)
        more = {"pool": 1, "none": 0}.get(extra, 2)
        if more == 2:
            first = in_channels[-1] if extra == "conv_input" else channels
            self.downs = nn.LayerList(nn.Conv2D(c, channels, 3, stride=2, padding=1) for c in (first, channels))
        for _ in range(more):
            self.strides.append(2 * self.strides[-1])
        self.out_channels = [channels] * len(self.strides)

    def forward(self, features):
        """Features [N, channels, H, W] of each level, the finest first."""
        carried = [lateral(feature) for lateral, feature in zip(self.laterals, features)]
        for level in range(len(carried) - 1, 0, -1):
            carried[level - 1] = carried[level - 1] + upsample_nearest(carried[level])
        outputs = [layer(feature) for layer, feature in zip(self.outputs, carried)]
        if self.extra == "pool":
            outputs.append(F.max_pool2d(outputs[-1], 1, stride=2))
        elif self.extra != "none":
            outputs.append(self.downs[0](features[-1] if self.extra == "conv_input" else outputs[-1]))
            outputs.append(self.downs[1](F.relu(outputs[-1])))
        return outputs
