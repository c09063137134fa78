"""Conditions of generators and discriminators: classes, attributes and label maps as channels of feature maps.

Shapes in this file:
    N images of H x W pixels, C classes or attributes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


def joined(features, condition):
    """Features [N, D, H, W] or [N, D] with a condition [N, C] behind their channels, the same in every cell."""
    if features.ndim == 2:
        return paddle.concat([features, condition], axis=1)
    ones = paddle.ones_like(features[:, :1])  # expand would need sizes that an export does not know
    return paddle.concat([features, condition.unsqueeze([2, 3]) * ones], axis=1)


class ClassCondition(nn.Layer):
    """Class ids int64 [N] as numbers [N, channels]: the id itself, as the original networks take it, or one-hot.

    Args:
        num_classes (int): C.
        one_hot (bool): C numbers, one of them 1; otherwise a single number, the id.
    """

    def __init__(self, num_classes, one_hot=False):
        super().__init__()
        self.num_classes = num_classes
        self.one_hot = one_hot
        self.out_channels = num_classes if one_hot else 1

    def forward(self, label):
        """float32 [N, channels]."""
        if self.one_hot:
            return F.one_hot(label, self.num_classes).astype("float32")
        return label.astype("float32").unsqueeze(1)


class LabelMapPlanes(nn.Layer):
    """Label maps uint8 [N, H, W] as planes float32 [N, channels, H, W]: one-hot, and the edges between labels.

    The edge channel of SPADE (https://arxiv.org/abs/1903.07291) marks the pixels with a neighbor of another label
    above, below, left or right; ids beyond C - 1, such as the ignored 255, have a plane of their own, the last label.

    Args:
        num_labels (int): planes of labels, the last one for all other ids.
        edges (bool): a further plane marks edges.
    """

    def __init__(self, num_labels, edges=False):
        super().__init__()
        if num_labels < 2:
            raise ValueError(f"LabelMapPlanes got num_labels {num_labels}; allowed: 2 or more")
        self.num_labels, self.edges = num_labels, edges
        self.out_channels = num_labels + (1 if edges else 0)

    def forward(self, mask):
        """float32 [N, channels, H, W] of 0 and 1."""
        ids = paddle.minimum(mask.astype("int64"), paddle.full([1], self.num_labels - 1, "int64"))
        planes = F.one_hot(ids, self.num_labels).transpose([0, 3, 1, 2]).astype("float32")
        return paddle.concat([planes, edges_of(ids)], axis=1) if self.edges else planes


def edges_of(ids):
    """The edges of label maps int64 [N, H, W]: float32 [N, 1, H, W], 1 where a neighbor has another label."""
    across = (ids[:, :, 1:] != ids[:, :, :-1]).astype("float32").unsqueeze(1)
    down = (ids[:, 1:] != ids[:, :-1]).astype("float32").unsqueeze(1)
    left, right = F.pad(across, [0, 1, 0, 0]), F.pad(across, [1, 0, 0, 0])
    above, below = F.pad(down, [0, 0, 0, 1]), F.pad(down, [0, 0, 1, 0])
    return paddle.maximum(paddle.maximum(left, right), paddle.maximum(above, below))
