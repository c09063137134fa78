"""PointRCNN (https://arxiv.org/abs/1812.04244): boxes proposed by points, scored and refined by a second stage.

Shapes in this file:
    N clouds of P points, D features of a point, R proposals of a cloud, B boxes of all clouds in training.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.data.transform import random_for

from .oriented_boxes import into_frame_of

FIRST = "rpn."  # how names of the first stage begin


class PointRCNN(nn.Layer):
    """Both stages in one program, from points to boxes.

    It is trained in two steps: the first stage alone (PointRPN), then, with its weights (`pretrained`), the second one
    with `train.freeze: [rpn]`. Without that both learn together.

    Args:
        rpn (Layer): PointRPN.
        region (Layer): RegionStage.
        proposals (object): PointProposals.
        sampler (object): BoxSampler.
    """

    task = "PointDetection"
    outputs = ("scores", "boxes")

    def __init__(self, rpn, region, proposals, sampler):
        super().__init__()
        self.rpn, self.region, self.proposals, self.sampler = rpn, region, proposals, sampler
        self.inputs = rpn.inputs

    @classmethod
    def from_config(cls, rpn, region, proposals, sampler, num_classes, build):
        """Builds the parts; the second stage is given the channels of the points.

        Args:
            rpn (node): PointRPN.
            region (node): RegionStage.
            proposals (node): PointProposals.
            sampler (node): BoxSampler.
            num_classes (int): 1, of the objects to find.
        """
        first = build(rpn, num_classes=num_classes)
        second = build(region, in_channels=first.backbone.out_channels)
        return cls(first, second, build(proposals), build(sampler))

    def convert_weights(self, arrays):
        """The weights of a PointRPN become those of the first stage."""
        if any(name.startswith(FIRST) for name in arrays):
            return arrays
        return {FIRST + name if FIRST + name in self.state_dict() else name: value for name, value in arrays.items()}

    def predict(self, points):
        """The predictions of the first stage, see :meth:`PointRPN.predict`."""
        return self.rpn.predict(points)

    def forward(self, points):
        """Scores [N, R] and boxes [N, R, 7]; the score is 0 where there are fewer than R proposals.

        Args:
            points (Tensor): float32 [N, P, 3 + F], in the frame of the camera.
        """
        features = self.rpn.backbone(points)
        logits, bins = self.rpn.of_features(features)
        boxes, there = self.proposals(self.rpn.coder.decode(bins, points[:, :, :3]), logits)
        values, _ = self.region.pool(points, logits, features, boxes)
        found, bins = self.region(values.flatten(0, 1))
        count = boxes.shape[1]
        scores = F.sigmoid(found.reshape([-1, count])) * there.astype("float32")
        return scores, self.region.decode(bins.reshape([-1, count, self.region.coder.channels]), boxes)

    def loss(self, batch):
        """`loss_region`, `loss_region_bin` and `loss_region_box`, and the terms of a first stage that learns too.

        Args:
            batch (dict): points, point_label and point_box, see :meth:`PointRPN.loss`; boxes, for each cloud the
                objects [G, 7].
        """
        learns = any(not parameter.stop_gradient for parameter in self.rpn.parameters())
        with paddle.set_grad_enabled(learns):
            features = self.rpn.backbone(batch["points"])
            logits, bins = self.rpn.of_features(features)
        first = self.rpn.losses(logits, bins, batch) if learns else {}
        boxes, overlaps, targets = self.drawn(batch, logits, bins)
        values, filled = self.region.pool(batch["points"], logits, features, boxes)
        found, bins = self.region(values.flatten(0, 1))
        return first | self.region_losses(found, bins, filled.flatten(), boxes, overlaps, targets)

    @paddle.no_grad()
    def drawn(self, batch, logits, bins):
        """Boxes of :class:`BoxSampler` [N, R, 7], their overlaps [N, R] and objects [N, R, 7]."""
        boxes = self.rpn.coder.decode(bins, batch["points"][:, :, :3])
        proposals = self.proposals.on_host(boxes.numpy(), logits.numpy())
        rng = random_for(int(paddle.randint(0, 2**31 - 1, [1]).item()))
        rows = [self.sampler(mine, np.asarray(own), rng) for mine, own in zip(proposals, batch["boxes"])]
        return [paddle.to_tensor(np.stack(column).astype("float32")) for column in zip(*rows)]

    def region_losses(self, logits, bins, filled, boxes, overlaps, targets):
        """Cross entropy of the boxes that hold an object or none, and the terms of :class:`BinBoxes` of the former.

        Args:
            logits (Tensor): [B].
            bins (Tensor): [B, C].
            filled (Tensor): bool [B], True for boxes with points; others do not count.
            boxes (Tensor): [N, R, 7].
            overlaps (Tensor): [N, R].
            targets (Tensor): [N, R, 7].
        """
        overlap, limits = overlaps.flatten(), self.sampler
        positive = (overlap > limits.positive).astype("float32")
        known = paddle.logical_or(overlap > limits.positive, overlap < limits.negative)
        known = paddle.logical_and(known, filled).astype("float32")
        surprise = F.softplus(logits) - positive * logits
        score = (known * surprise).sum() / paddle.clip(known.sum(), min=1)
        chosen = paddle.logical_and(overlap > limits.regress, filled).nonzero().flatten()
        if not chosen.shape[0]:
            return {"loss_region": score, "loss_region_bin": 0 * bins.sum(), "loss_region_box": 0 * bins.sum()}
        mine, frames, wanted = (
            paddle.gather(value.reshape([-1, value.shape[-1]]), chosen) for value in (bins, boxes, targets)
        )
        seen = into_frame_of(wanted, frames)
        terms = self.region.coder.losses(mine, seen, paddle.zeros_like(seen[:, :3]))
        return {"loss_region": score, "loss_region_bin": terms["bins"], "loss_region_box": terms["residuals"]}
