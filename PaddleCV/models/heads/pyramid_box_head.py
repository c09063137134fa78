"""The head of PyramidBox (https://arxiv.org/abs/1803.07737, section 3.2).

Shapes in this file:
    N images, one prior box per cell of a level, P = H*W prior boxes of all levels, K parts: face, head, body.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn

from ..anchors.anchor_grid import flatten_levels
from .ssd_head import SSDHead

PARTS = ("face", "head", "body")


class PyramidBoxHead(SSDHead):
    """Two convolutions of each level, of K parts around each face: one predicts scores, one deltas.

    Max-in-out: several scores are predicted where one is needed, and the largest counts. Of the finest level they are
    of the background, against the many false faces among small prior boxes; of the other levels they are of the face.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        strides (list[int]): input pixels per cell of each level, given by the neck.
        num_classes (int): 1, the face.
        priors (PriorBoxes): one prior box per cell of every level.
        parts (int): K, 1 to 3; only the faces are detected, the others help training.
        scores (int): that are predicted where the largest counts.
        kernel_size (int): of the convolutions, odd.
    """

    def __init__(self, in_channels, strides, num_classes, priors, parts=2, scores=3, kernel_size=3):
        if num_classes != 1 or any(count != 1 for count in priors.counts):
            raise ValueError(
                f"PyramidBoxHead takes one class and one prior box per cell, not {num_classes} and {priors.counts}"
            )
        if not 1 <= parts <= len(PARTS) or scores < 1:
            raise ValueError(f"PyramidBoxHead has 1 to {len(PARTS)} parts and 1 score or more, not {parts}, {scores}")
        super().__init__(in_channels, strides, num_classes, priors, kernel_size)
        self.parts = PARTS[:parts]
        self.sizes = [score_counts(level, parts, scores) for level in range(len(in_channels))]
        padding = kernel_size // 2
        self.scores = nn.LayerList(
            nn.Conv2D(c, sum(map(sum, sizes)), kernel_size, padding=padding)
            for c, sizes in zip(in_channels, self.sizes)
        )
        self.deltas = nn.LayerList(nn.Conv2D(c, 4 * parts, kernel_size, padding=padding) for c in in_channels)

    def forward(self, features):
        """Of each level the logits [N, 2 * K, H, W], background and part of each, and the deltas [N, 4 * K, H, W]."""
        logits, deltas = super().forward(features)
        return [largest_scores(level, sizes) for level, sizes in zip(logits, self.sizes)], deltas

    def flatten(self, predictions, part=0):
        """Logits [N, P, 2], deltas [N, P, 4] and the prior boxes [P, 4] of one part of raw predictions."""
        logits = [level[:, 2 * part : 2 * part + 2] for level in predictions[0]]
        deltas = [level[:, 4 * part : 4 * part + 4] for level in predictions[1]]
        return flatten_levels(logits, deltas, 2, self.priors(deltas, self.strides))


def score_counts(level, parts, scores):
    """The numbers of scores of the background and of the part, of each part: list[tuple[int, int]]."""
    if level == 0:
        return [(scores, 1)] * parts
    return [(1, scores), *[(1, 1)] * (parts - 1)]


def largest_scores(logits, sizes):
    """The largest of the scores of each background and part: [N, sum of sizes, H, W] to [N, 2 * K, H, W]."""
    counts = [count for pair in sizes for count in pair]
    parts = paddle.split(logits, counts, axis=1)
    return paddle.concat([part.max(axis=1, keepdim=True) for part in parts], axis=1)
