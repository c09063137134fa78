"""Segmentation of point clouds by PointNet++ (https://arxiv.org/abs/1706.02413, appendix B.1): a class for each point.

Shapes in this file:
    N clouds of P points of 3 + F values, D features of a point, C classes.
"""

import numpy as np
import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .point_network import PointNetwork


class PointSegmentor(PointNetwork):
    """A backbone with propagation, and a head for the points.

    Args:
        backbone (Layer): PointNet2 with propagation.
        head (Layer): features of points to logits.
        loss (Layer): logits [N, C, P, 1] and masks [N, P, 1] to a number.
        num_points (int): P.
    """

    task = "PointSegmentation"
    outputs = ("label_map",)

    def __init__(self, backbone, head, loss, num_points=4096):
        super().__init__(backbone, head, loss, num_points)

    @classmethod
    def from_config(cls, backbone, head, loss, num_classes, build, num_points=4096):
        """Builds the parts in order; the head is given the channels of the backbone.

        Args:
            backbone (node): PointNet2 with propagation.
            head (node): PointwiseHead.
            loss (node): PixelCrossEntropy.
            num_classes (int): C.
            num_points (int): P.
        """
        return cls.build_parts(backbone, head, loss, num_classes, build, num_points)

    def predict(self, points):
        """Logits [N, C, P]."""
        return self.head(self.backbone(points))

    def forward(self, points):
        """The most probable class of each point, int32 [N, P].

        Args:
            points (Tensor): float32 [N, P, 3 + F].
        """
        return self.predict(points).argmax(axis=1).astype("int32")

    def loss(self, batch):
        """`loss_mask` of a batch: points [N, P, 3 + F], mask uint8 [N, P] of classes, 255 is ignored."""
        logits = self.predict(batch["points"]).unsqueeze(3)
        return {"loss_mask": self.loss_terms(logits, batch["mask"].astype("int64").unsqueeze(2))}

    def undecided(self, inputs, tolerance):
        """The points for which a second class is as good as the first, {output name: bool [N, P]}.

        Args:
            inputs (dict[str, ndarray]): `points`.
            tolerance (float): the error that each logit may have, relative to the largest one.
        """
        with paddle.no_grad():
            logits = self.predict(paddle.to_tensor(inputs["points"])).numpy()
        best = np.sort(logits, axis=1)
        margin = best[:, -1] - best[:, -2] if logits.shape[1] > 1 else np.full(best[:, -1].shape, np.inf)
        return {"label_map": margin <= 2 * tolerance * max(1.0, float(np.abs(logits).max()))}


class PointwiseHead(nn.Layer):
    """A hidden layer with normalization, ReLU and dropout, then one for the classes; both for each point alone.

    Args:
        in_channels (int): D.
        num_classes (int): C.
        hidden (int): outputs of the hidden layer.
        dropout (float): probability that a unit is dropped in training.
    """

    def __init__(self, in_channels, num_classes, hidden=128, dropout=0.5):
        super().__init__()
        self.hidden, self.dropout = ConvNorm(in_channels, hidden, 1), nn.Dropout(dropout)
        self.classes = nn.Conv2D(hidden, num_classes, 1)

    def forward(self, x):
        """Logits [N, C, P] of features [N, P, D]."""
        return self.classes(self.dropout(self.hidden(x.unsqueeze(2).transpose([0, 3, 1, 2])))).flatten(2)
