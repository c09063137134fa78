"""The head of a region proposal network, RPN (https://arxiv.org/abs/1506.01497, section 3.1).

Shapes in this file:
    N images, L levels of H x W cells, A anchors per cell, P = H*W*A anchors of one level.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from ..anchors.anchor_grid import flatten_cells


class RPNHead(nn.Layer):
    """Predicts for every anchor whether it holds an object, and the deltas to its box; the same layers for all levels.

    Args:
        in_channels (list[int]): channels of each level, given by the neck or backbone.
        strides (list[int]): input pixels per cell of each level, given by the neck or backbone.
        anchors (AnchorGrid): the anchors of every level, of equal number.
    """

    def __init__(self, in_channels, strides, anchors):
        super().__init__()
        if not len(in_channels) == len(strides) == len(anchors.counts):
            raise ValueError(f"RPNHead got {len(in_channels)} levels, but anchors for {len(anchors.counts)}")
        if len(set(in_channels)) != 1 or len(set(anchors.counts)) != 1:
            raise ValueError(
                f"RPNHead takes levels of equal channels and anchors, not {in_channels} and {anchors.counts}"
            )
        channels, count = in_channels[0], anchors.counts[0]
        self.strides = list(strides)
        self.anchors = anchors
        self.conv = nn.Conv2D(channels, channels, 3, padding=1, weight_attr=normal(0.01))
        self.objectness = nn.Conv2D(channels, count, 1, weight_attr=normal(0.01))
        self.deltas = nn.Conv2D(channels, 4 * count, 1, weight_attr=normal(0.01))

    def forward(self, features):
        """Of each level the logits of objectness [N, P] and the deltas [N, P, 4], two lists."""
        hidden = [F.relu(self.conv(feature)) for feature in features]
        objectness = [flatten_cells(self.objectness(x), 1).squeeze(-1) for x in hidden]
        return objectness, [flatten_cells(self.deltas(x), 4) for x in hidden]
