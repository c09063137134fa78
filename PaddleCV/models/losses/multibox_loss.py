"""The loss of SSD (https://arxiv.org/abs/1512.02325, section 2.2), as the operator `ssd_loss` of PaddlePaddle 1.8.

Shapes in this file:
    N images, M objects an image (padded), P prior boxes, C classes.
Boxes are (x1, y1, x2, y2) in input pixels; a label of -1 marks padding.

Both terms are sums over the batch, divided by the number of matched prior boxes of the batch, at least 1:
    loss_class  cross entropy of the matched prior boxes and of the hardest others of each image
    loss_box    smooth L1 of the deltas of the matched prior boxes
"""

import paddle
from paddle import nn

from ..anchors.deltas import RCNN, encode_deltas, encode_linear
from ..anchors.matching import match_priors, objects_of
from ..boxes import pairwise_iou
from .terms import smooth_l1, softmax_cross_entropy


class MultiBoxLoss(nn.Layer):
    """Trains the scores and deltas of prior boxes, with hard negative mining.

    Args:
        positive (float): beside the best one of each object, prior boxes that overlap it by more are matched too.
        negative (float): background prior boxes that overlap an object by this much are not trained.
        negatives (float): background prior boxes per matched one, those of the largest loss.
        box_weight (float): of loss_box.
        class_weight (float): of loss_class.
    """

    def __init__(self, positive=0.5, negative=0.5, negatives=3.0, box_weight=1.0, class_weight=1.0):
        super().__init__()
        self.positive, self.negative, self.negatives = positive, negative, negatives
        self.box_weight, self.class_weight = box_weight, class_weight

    def forward(self, predictions, head, boxes, labels, scores=None):
        """The two terms, each a number.

        Args:
            predictions (tuple[list[Tensor], list[Tensor]]): logits and deltas of each level.
            head (SSDHead): gives the prior boxes.
            boxes (Tensor): float32 [N, M, 4].
            labels (Tensor): int64 [N, M], -1 for padding.
            scores (Tensor): not used.
        """
        return self.terms(*head.flatten(predictions), boxes, labels)

    def terms(self, logits, deltas, priors, boxes, labels):
        """The two terms of logits [N, P, 1 + C] and deltas [N, P, 4] of prior boxes [P, 4]."""
        with paddle.no_grad():
            rows = [self.targets(priors, mine, classes) for mine, classes in objects_of(boxes, labels)]
            classes, wanted, candidates = (paddle.stack(column) for column in zip(*rows))
            positive = classes > 0  # [N, P]
        entropy = softmax_cross_entropy(logits, classes)  # [N, P]
        hard = hardest(entropy.detach(), candidates, positive.astype("int64").sum(axis=1) * self.negatives)
        errors = smooth_l1(deltas - wanted).sum(axis=2) * positive.astype("float32")
        number = paddle.clip(positive.astype("float32").sum(), min=1.0)
        used = (positive | hard).astype("float32")
        return {
            "loss_class": self.class_weight * (entropy * used).sum() / number,
            "loss_box": self.box_weight * errors.sum() / number,
        }

    def targets(self, priors, boxes, labels):
        """Of one image the class (0 for background) int64 [P] and deltas [P, 4] of each prior box, and bool [P], which
        may be trained as background.
        """
        count = priors.shape[0]
        if not len(labels):
            return paddle.zeros([count], dtype="int64"), paddle.zeros([count, 4]), paddle.ones([count], dtype="bool")
        overlap = pairwise_iou(boxes, priors)
        matches = match_priors(overlap, self.positive)
        real = matches >= 0
        row = paddle.clip(matches, min=0)
        classes = paddle.where(real, paddle.gather(labels, row) + 1, paddle.zeros_like(row))
        candidates = ~real & (overlap.max(axis=0) < self.negative)
        return classes, self.encode(paddle.gather(boxes, row), priors), candidates

    def encode(self, boxes, priors):
        """The deltas from prior boxes [P, 4] to boxes [P, 4] that the head predicts."""
        return encode_deltas(boxes, priors, RCNN)


class LinearBoxLoss(MultiBoxLoss):
    """The same for the deltas of LandmarkHead, which are not logarithms.

    Args:
        positive (float): as of :class:`MultiBoxLoss`, with negative, negatives, box_weight and class_weight.
        negative (float): background prior boxes that overlap an object by this much are not trained.
        negatives (float): background prior boxes per matched one, those of the largest loss.
        box_weight (float): of loss_box.
        class_weight (float): of loss_class.
    """

    def encode(self, boxes, priors):
        """As of :class:`MultiBoxLoss`."""
        return encode_linear(boxes, priors)


def hardest(losses, candidates, counts):
    """Of each image the candidates of the largest losses, bool [N, P].

    Args:
        losses (Tensor): float32 [N, P].
        candidates (Tensor): bool [N, P].
        counts (Tensor): [N], at most this many of an image.
    """
    losses = paddle.where(candidates, losses, paddle.full_like(losses, -1.0))
    order = paddle.argsort(losses, axis=1, descending=True, stable=True)
    rank = paddle.argsort(order, axis=1).astype("float32")
    return candidates & (rank < counts.astype("float32").unsqueeze(1))
