"""The head of RetinaNet (https://arxiv.org/abs/1708.02002, section 4).

Shapes in this file:
    N images, C classes, A anchors per cell, P = H*W*A anchors of all levels.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from ..anchors.anchor_grid import flatten_levels
from ..anchors.deltas import decode_deltas


class RetinaNetHead(nn.Layer):
    """Two towers of convolutions that all levels share: one predicts C scores for each anchor, one its deltas.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        strides (list[int]): input pixels per cell of each level, given by the neck.
        num_classes (int): C, without a background class.
        anchors (AnchorGrid): the anchors of every level, of equal number.
        convs (int): convolutions of a tower.
        prior (float): the score that an untrained head predicts everywhere (section 4.1).
    """

    def __init__(self, in_channels, strides, num_classes, anchors, convs=4, prior=0.01):
        super().__init__()
        if not len(in_channels) == len(strides) == len(anchors.counts):
            raise ValueError(f"RetinaNetHead got {len(in_channels)} levels, but anchors for {len(anchors.counts)}")
        if len(set(in_channels)) != 1 or len(set(anchors.counts)) != 1:
            raise ValueError(
                f"RetinaNetHead takes levels of equal channels and anchors, not {in_channels} and {anchors.counts}"
            )
        if not 0 < prior < 1:
            raise ValueError(f"RetinaNetHead got prior {prior}; it lies between 0 and 1")
        channels, count = in_channels[0], anchors.counts[0]
        self.num_classes, self.strides, self.anchors = num_classes, list(strides), anchors
        self.class_tower, self.box_tower = tower(channels, convs), tower(channels, convs)
        bias = paddle.ParamAttr(initializer=nn.initializer.Constant(-math.log((1 - prior) / prior)))
        self.scores = nn.Conv2D(channels, count * num_classes, 3, padding=1, weight_attr=normal(0.01), bias_attr=bias)
        self.deltas = nn.Conv2D(channels, count * 4, 3, padding=1, weight_attr=normal(0.01))

    def forward(self, features):
        """Of each level the logits [N, A * C, H, W] and the deltas [N, A * 4, H, W], two lists."""
        return [self.scores(self.class_tower(x)) for x in features], [self.deltas(self.box_tower(x)) for x in features]

    def flatten(self, predictions):
        """Logits [N, P, C], deltas [N, P, 4] and the anchors [P, 4] of raw predictions."""
        return flatten_levels(*predictions, self.num_classes, self.anchors(predictions[1], self.strides))

    def decode(self, predictions):
        """Boxes [N, P, 4] and scores [N, C, P], ready for NMS."""
        logits, deltas, anchors = self.flatten(predictions)
        return decode_deltas(deltas, anchors.unsqueeze(0)), F.sigmoid(logits).transpose([0, 2, 1])


def tower(channels, convs):
    """3x3 convolutions, each followed by ReLU."""
    layers = []
    for _ in range(convs):
        layers += [nn.Conv2D(channels, channels, 3, padding=1, weight_attr=normal(0.01)), nn.ReLU()]
    return nn.Sequential(*layers)
