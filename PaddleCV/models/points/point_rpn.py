"""The first stage of PointRCNN (https://arxiv.org/abs/1812.04244, section 3.1 and 3.2): a box for every point.

Shapes in this file:
    N clouds of P points, D features of a point.
"""

import math

import paddle
from paddle import ParamAttr, nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .bin_boxes import BinBoxes

FOREGROUND = 0.01  # probability at the start that a point is of an object


class PointRPN(nn.Layer):
    """The probability that a point is of an object, and the box of that object.

    The outputs are all boxes; the task leaves out those that overlap better ones.

    Args:
        backbone (Layer): PointNet2 with propagation.
        num_points (int): P.
        scope (float): see :class:`BinBoxes`.
        bin_size (float): length of a bin in meters.
        heading_bins (int): bins of the rotation.
        mean_size (list[float]): h, w and l in meters.
        dropout (float): probability that a unit of a head is dropped in training.
        alpha (float): weight of the points of objects in the focal loss.
        gamma (float): of the focal loss.
    """

    task = "PointDetection"
    outputs = ("scores", "boxes")

    def __init__(
        self,
        backbone,
        num_points=16384,
        scope=3.0,
        bin_size=0.5,
        heading_bins=12,
        mean_size=(1.526, 1.629, 3.883),
        dropout=0.5,
        alpha=0.25,
        gamma=2.0,
    ):
        super().__init__()
        self.backbone, self.alpha, self.gamma = backbone, alpha, gamma
        self.coder = BinBoxes(scope, bin_size, heading_bins, mean_size)
        self.classes = head_of_points(backbone.out_channels, 1, dropout, bias=-math.log(1 / FOREGROUND - 1))
        self.boxes = head_of_points(backbone.out_channels, self.coder.channels, dropout, deviation=0.001)
        self.inputs = {"points": ([None, num_points, 3 + backbone.features], "float32")}

    @classmethod
    def from_config(
        cls,
        backbone,
        num_classes,
        build,
        num_points=16384,
        scope=3.0,
        bin_size=0.5,
        heading_bins=12,
        mean_size=(1.526, 1.629, 3.883),
        dropout=0.5,
        alpha=0.25,
        gamma=2.0,
    ):
        """Builds the backbone.

        Args:
            backbone (node): PointNet2 with propagation.
            num_classes (int): 1, of the objects to find.
            num_points (int): P.
            scope (float): the middle of a box is at most so far from its points, along x and along z, in meters.
            bin_size (float): length of a bin in meters.
            heading_bins (int): bins of the rotation.
            mean_size (list[float]): h, w and l in meters.
            dropout (float): probability that a unit of a head is dropped in training.
            alpha (float): weight of the points of objects in the focal loss.
            gamma (float): of the focal loss.
        """
        if num_classes != 1:
            raise ValueError(f"PointRPN finds objects of one class; the data have {num_classes}")
        return cls(build(backbone), num_points, scope, bin_size, heading_bins, mean_size, dropout, alpha, gamma)

    def predict(self, points):
        """The logits [N, P] of the points and the predictions [N, P, C] of :class:`BinBoxes`."""
        return self.of_features(self.backbone(points))

    def of_features(self, features):
        """The same from the features of the points, [N, P, D]."""
        x = features.unsqueeze(2).transpose([0, 3, 1, 2])  # [N, D, P, 1]
        logits, bins = self.classes(x), self.boxes(x)
        return logits.flatten(1), bins.transpose([0, 2, 3, 1]).flatten(1, 2)

    def forward(self, points):
        """Scores [N, P] and boxes [N, P, 7].

        Args:
            points (Tensor): float32 [N, P, 3 + F], in the frame of the camera.
        """
        logits, bins = self.predict(points)
        return F.sigmoid(logits), self.coder.decode(bins, points[:, :, :3])

    def loss(self, batch):
        """`loss_point`, focal; `loss_bin` and `loss_box` of the points of objects, 0 without one.

        Args:
            batch (dict): points [N, P, 3 + F]; point_label int64 [N, P], 1 for a point of an object, 0, or -1 to be
                ignored; point_box float32 [N, P, 7], the box of the object.
        """
        return self.losses(*self.predict(batch["points"]), batch)

    def losses(self, logits, bins, batch):
        """The terms of :meth:`loss` of what :meth:`predict` gives."""
        label = batch["point_label"].astype("int64")
        inside = (label == 1).astype("float32")
        surprise = F.softplus(logits) - inside * logits
        missing = 1 - paddle.exp(-surprise)
        weight = (self.alpha * inside + (1 - self.alpha) * (1 - inside)) * (label >= 0).astype("float32")
        point = (weight * missing**self.gamma * surprise).sum() / paddle.clip(inside.sum(), min=1)
        chosen = (label == 1).flatten().nonzero().flatten()
        if not chosen.shape[0]:
            return {"loss_point": point, "loss_bin": 0 * bins.sum(), "loss_box": 0 * bins.sum()}
        rows = [
            paddle.gather(value.reshape([-1, value.shape[2]]), chosen)
            for value in (bins, batch["point_box"], batch["points"])
        ]
        terms = self.coder.losses(*rows)
        return {"loss_point": point, "loss_bin": terms["bins"], "loss_box": terms["residuals"]}


def head_of_points(in_channels, out_channels, dropout, bias=0.0, deviation=None):
    """A hidden layer of 128 channels and an output for each point, with its bias and deviation at the start."""
    weights = ParamAttr(initializer=nn.initializer.Normal(0.0, deviation)) if deviation else None
    start = ParamAttr(initializer=nn.initializer.Constant(bias))
    return nn.Sequential(
        ("hidden", ConvNorm(in_channels, 128, 1)),
        ("dropout", nn.Dropout(dropout)),
        ("output", nn.Conv2D(128, out_channels, 1, weight_attr=weights, bias_attr=start)),
    )
