"""The head of SSD (https://arxiv.org/abs/1512.02325, section 2.1).

Shapes in this file:
    N images, C classes, A prior boxes per cell of a level, P = H*W*A prior boxes of all levels.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

from paddle import nn
from paddle.nn import functional as F

from ..anchors.anchor_grid import flatten_levels
from ..anchors.deltas import RCNN, decode_deltas


class SSDHead(nn.Layer):
    """Two convolutions of each level: one predicts the scores of the background and C classes, one the deltas.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        strides (list[int]): input pixels per cell of each level, given by the neck.
        num_classes (int): C, without the background.
        priors (PriorBoxes | DensityPriorBoxes): the prior boxes of every level.
        kernel_size (int): of the convolutions, odd.
    """

    def __init__(self, in_channels, strides, num_classes, priors, kernel_size=3):
        super().__init__()
        if len(in_channels) != len(priors.counts):
            raise ValueError(f"SSDHead got {len(in_channels)} levels, but prior boxes for {len(priors.counts)}")
        self.num_classes, self.strides, self.priors = num_classes, list(strides), priors
        padding = kernel_size // 2
        rows = list(zip(in_channels, priors.counts))
        self.scores = nn.LayerList(nn.Conv2D(c, a * (num_classes + 1), kernel_size, padding=padding) for c, a in rows)
        self.deltas = nn.LayerList(nn.Conv2D(c, a * 4, kernel_size, padding=padding) for c, a in rows)

    def forward(self, features):
        """Of each level the logits [N, A * (1 + C), H, W], the background first, and the deltas [N, A * 4, H, W]."""
        logits = [layer(x) for layer, x in zip(self.scores, features)]
        return logits, [layer(x) for layer, x in zip(self.deltas, features)]

    def flatten(self, predictions):
        """Logits [N, P, 1 + C], deltas [N, P, 4] and the prior boxes [P, 4] of raw predictions."""
        return flatten_levels(*predictions, self.num_classes + 1, self.priors(predictions[1], self.strides))

    def decode(self, predictions):
        """Boxes [N, P, 4] and scores [N, C, P], ready for NMS."""
        logits, deltas, priors = self.flatten(predictions)
        scores = F.softmax(logits, axis=2)[:, :, 1:].transpose([0, 2, 1])
        return decode_deltas(deltas, priors.unsqueeze(0), RCNN), scores
