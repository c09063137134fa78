"""The loss of RetinaNet (https://arxiv.org/abs/1708.02002, sections 3 and 4.1).

Shapes in this file:
    N images, M objects an image (padded), P anchors of all levels, C classes.
Boxes are (x1, y1, x2, y2) in input pixels; a label of -1 marks padding.

Both terms of an image are divided by the number of its anchors that are matched with an object, at least 1; the mean
over the images follows, so that the mean over processes with equal batches is that of the whole batch.
    loss_class  focal loss of every anchor that is not ignored
    loss_box    smooth L1 of the deltas of the matched anchors
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..anchors.deltas import encode_deltas
from ..anchors.matching import IGNORED, match_by_overlap, objects_of
from ..boxes import pairwise_iou
from .terms import binary_cross_entropy, smooth_l1


class RetinaNetLoss(nn.Layer):
    """Trains the scores and deltas of all anchors.

    Args:
        positive (float): an anchor is matched with the object it overlaps most, if by this much.
        negative (float): anchors that overlap every object by less are background.
        alpha (float): weight of the matched class in the focal loss; 1 - alpha is that of all others.
        gamma (float): how much the focal loss reduces the weight of what is predicted well.
        sigma (float): of the smooth L1 loss, quadratic where a delta is wrong by less than 1 / sigma^2.
    """

    def __init__(self, positive=0.5, negative=0.4, alpha=0.25, gamma=2.0, sigma=3.0151):
        super().__init__()
        self.positive, self.negative = positive, negative
        self.alpha, self.gamma, self.sigma = alpha, gamma, sigma

    def forward(self, predictions, head, boxes, labels, scores=None):
        """The two terms, each a number.

        Args:
            predictions (tuple[list[Tensor], list[Tensor]]): logits and deltas of each level.
            head (RetinaNetHead): gives the anchors.
            boxes (Tensor): float32 [N, M, 4].
            labels (Tensor): int64 [N, M], -1 for padding.
            scores (Tensor): not used.
        """
        logits, deltas, anchors = head.flatten(predictions)
        terms = {"loss_class": 0.0, "loss_box": 0.0}
        for image, (mine, classes) in enumerate(objects_of(boxes, labels)):
            matches = self.match(anchors, mine)
            positive = (matches >= 0).nonzero().flatten()
            number = max(positive.shape[0], 1)
            nearest = paddle.gather(matches, positive)
            targets = paddle.zeros_like(logits[image])
            if positive.shape[0]:
                rows = F.one_hot(paddle.gather(classes, nearest), logits.shape[2])
                targets = paddle.scatter(targets, positive, rows)
            used = (matches != IGNORED).astype("float32").unsqueeze(1)
            entropy = focal_loss(logits[image], targets, self.alpha, self.gamma)
            terms["loss_class"] += (entropy * used).sum() / number
            wanted = encode_deltas(paddle.gather(mine, nearest), paddle.gather(anchors, positive))
            errors = smooth_l1(paddle.gather(deltas[image], positive) - wanted, beta=1 / self.sigma**2)
            terms["loss_box"] += errors.sum() / number
        return {name: value / logits.shape[0] for name, value in terms.items()}

    @paddle.no_grad()
    def match(self, anchors, boxes):
        """The number of the object of each anchor, int64 [P]; see :func:`match_by_overlap`."""
        return match_by_overlap(pairwise_iou(boxes, anchors), self.positive, self.negative, keep_best=True)


def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    """-alpha_t (1 - p_t)^gamma log(p_t), element by element (section 3.2, equation 5)."""
    probability = F.sigmoid(logits)
    wrong = probability + targets - 2 * probability * targets  # 1 - p_t
    weight = 1 - alpha + (2 * alpha - 1) * targets
    power = wrong * wrong if gamma == 2 else wrong**gamma
    return weight * power * binary_cross_entropy(logits, targets)
