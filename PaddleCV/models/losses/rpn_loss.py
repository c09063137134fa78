"""The loss of a region proposal network (https://arxiv.org/abs/1506.01497, section 3.1.2, equation 1).

Shapes in this file:
    N images, P anchors of all levels, m objects of one image.
Boxes are (x1, y1, x2, y2) in input pixels.

Of each image some anchors are drawn. Both terms of an image are sums over them, divided by their number; the mean over
the images follows, so that the mean over processes with equal batches is that of the whole batch.
    loss_rpn_class  cross entropy of objectness
    loss_rpn_box    smooth L1 of the deltas of the positives, quadratic up to 1 / 9
"""

import paddle
from paddle import nn

from ..anchors.deltas import encode_deltas
from ..anchors.matching import BACKGROUND, draw_both, match_by_overlap
from ..boxes import pairwise_iou
from .terms import binary_cross_entropy, smooth_l1


class RPNLoss(nn.Layer):
    """Trains objectness and deltas of anchors.

    Args:
        count (int): anchors that are drawn from an image.
        positive_share (float): at most this share of them is matched with an object.
        positive (float): an anchor is matched with the object it overlaps most, if by this much.
        negative (float): anchors that overlap every object by less are background.
        straddle (float | None): anchors that reach further than this many pixels out of the image are not trained;
            null trains all.
        random (bool): anchors are drawn from PaddlePaddle's random state; else the first ones are taken.
    """

    def __init__(self, count=256, positive_share=0.5, positive=0.7, negative=0.3, straddle=0.0, random=True):
        super().__init__()
        self.count, self.positive_share = count, positive_share
        self.positive, self.negative = positive, negative
        self.straddle, self.random = straddle, random

    def forward(self, objectness, deltas, anchors, objects, im_shape):
        """The two terms, each a number.

        Args:
            objectness (Tensor): float32 [N, P], logits.
            deltas (Tensor): float32 [N, P, 4].
            anchors (Tensor): float32 [P, 4].
            objects (list[tuple[Tensor, Tensor]]): for each image boxes [m, 4] and labels [m].
            im_shape (Tensor): float32 [N, 2], height and width of the images without padding.
        """
        terms = {"loss_rpn_class": 0.0, "loss_rpn_box": 0.0}
        for image, (boxes, _) in enumerate(objects):
            positives, negatives, targets = self.choose(anchors, boxes, im_shape[image])
            chosen = paddle.concat([positives, negatives])
            number = max(chosen.shape[0], 1)
            labels = paddle.concat([paddle.ones(positives.shape), paddle.zeros(negatives.shape)])
            entropy = binary_cross_entropy(paddle.gather(objectness[image], chosen), labels)
            errors = smooth_l1(paddle.gather(deltas[image], positives) - targets, beta=1 / 9)
            terms["loss_rpn_class"] += entropy.sum() / number
            terms["loss_rpn_box"] += errors.sum() / number
        return {name: value / len(objects) for name, value in terms.items()}

    @paddle.no_grad()
    def choose(self, anchors, boxes, im_shape):
        """Of one image the drawn positive and negative anchors (int64), and the deltas of the positives [.., 4]."""
        rows = paddle.arange(anchors.shape[0])
        if self.straddle is not None:
            rows = is_inside(anchors, im_shape, self.straddle).nonzero().flatten()
            anchors = paddle.gather(anchors, rows)
        matches = match_by_overlap(pairwise_iou(boxes, anchors), self.positive, self.negative, keep_best=True)
        positives, negatives = draw_both(
            matches >= 0, matches == BACKGROUND, self.count, self.positive_share, self.random
        )
        nearest = paddle.gather(boxes, paddle.gather(matches, positives))
        targets = encode_deltas(nearest, paddle.gather(anchors, positives))
        return paddle.gather(rows, positives), paddle.gather(rows, negatives), targets


def is_inside(boxes, im_shape, margin=0.0):
    """True for boxes [P, 4] that reach at most `margin` pixels out of an image of [height, width]."""
    limit = im_shape.flip(axis=0) + margin
    return ((boxes[:, :2] >= -margin) & (boxes[:, 2:] <= limit)).all(axis=1)
