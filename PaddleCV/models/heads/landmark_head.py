"""The head of BlazeFace (https://arxiv.org/abs/1907.05047, section 3), as MediaPipe has it.

Shapes in this file:
    N images, A prior boxes per cell of a level, P = H*W*A prior boxes of all levels, K landmarks.
Boxes are (x1, y1, x2, y2), points (x, y), in input pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..anchors.anchor_grid import flatten_cells, flatten_levels


class LandmarkHead(nn.Layer):
    """Three 1x1 convolutions of each level: the score of an object, its box, and its landmarks.

    Boxes and landmarks are relative to the center of a prior box, in pixels: the center of the box, its width and
    height, and each landmark; the size of a prior box only says which objects it is trained on. Landmarks are not
    trained, for no dataset of this kit has them: they are for published weights.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        strides (list[int]): input pixels per cell of each level, given by the neck.
        num_classes (int): must be 1.
        priors (PriorBoxes): the prior boxes of every level.
        landmarks (int): K.
    """

    def __init__(self, in_channels, strides, num_classes, priors, landmarks=6):
        super().__init__()
        if len(in_channels) != len(priors.counts):
            raise ValueError(f"LandmarkHead got {len(in_channels)} levels, but prior boxes for {len(priors.counts)}")
        if num_classes != 1:
            raise ValueError(f"LandmarkHead is for one class, not {num_classes}")
        self.num_classes, self.strides, self.priors, self.landmarks = num_classes, list(strides), priors, landmarks
        rows = list(zip(in_channels, priors.counts))
        self.scores = nn.LayerList(nn.Conv2D(c, a, 1) for c, a in rows)
        self.deltas = nn.LayerList(nn.Conv2D(c, a * 4, 1) for c, a in rows)
        self.points = nn.LayerList(nn.Conv2D(c, a * 2 * landmarks, 1) for c, a in rows)
        for parameter in self.points.parameters():
            parameter.stop_gradient = True

    def forward(self, features):
        """Of each level logits [N, A, H, W], deltas [N, A * 4, H, W] and points [N, A * 2 * K, H, W]."""
        return tuple(
            [layer(x) for layer, x in zip(layers, features)] for layers in (self.scores, self.deltas, self.points)
        )

    def flatten(self, predictions):
        """Logits [N, P, 2], 0 of the background first, deltas [N, P, 4] in sizes of the prior boxes, these [P, 4]."""
        logits, deltas, priors = flatten_levels(*predictions[:2], 1, self.priors(predictions[1], self.strides))
        sizes = priors[:, 2:] - priors[:, :2]
        return F.pad(logits, [0, 0, 0, 0, 1, 0]), deltas / paddle.concat([sizes, sizes], axis=1), priors

    def decode(self, predictions):
        """Boxes [N, P, 4] and scores [N, 1, P], ready for NMS, and landmarks [N, P, K, 2]."""
        logits, deltas, priors = flatten_levels(*predictions[:2], 1, self.priors(predictions[1], self.strides))
        centers, halves = (priors[:, :2] + priors[:, 2:]) * 0.5, deltas[..., 2:] * 0.5
        middle = deltas[..., :2] + centers
        points = paddle.concat([flatten_cells(level, 2 * self.landmarks) for level in predictions[2]], axis=1)
        points = points.reshape([0, 0, self.landmarks, 2]) + centers.unsqueeze(1)
        boxes = paddle.concat([middle - halves, middle + halves], axis=-1)
        return boxes, F.sigmoid(logits).transpose([0, 2, 1]), points
