"""The loss of boundary-matching networks (https://arxiv.org/abs/1907.09702, section 3.5).

Shapes in this file:
    N videos of T steps, D durations.
"""

import paddle
from paddle import nn

EPSILON = 1e-6
RIGHT, HIGH, LOW = 0.9, 0.7, 0.3  # overlaps: of a right proposal; of the classes that the regression balances


class BMNLoss(nn.Layer):
    """Balanced cross entropy of boundaries and of right proposals, and the squared error of overlaps.

    Args:
        regression_weight (float): of the squared error.
    """

    def __init__(self, regression_weight=10.0):
        super().__init__()
        self.regression_weight = regression_weight

    def forward(self, start, end, found, true_start, true_end, overlaps, valid):
        """`loss_boundary`, `loss_overlap` and `loss_right`.

        Args:
            start (Tensor): float32 [N, T]; end likewise.
            end (Tensor): see start.
            found (Tensor): of proposals their overlap, and of being right, float32 [N, 2, D, T].
            true_start (Tensor): 0 to 1, float32 [N, T]; true_end likewise.
            true_end (Tensor): see true_start.
            overlaps (Tensor): of each proposal with the nearest segment, float32 [N, D, T].
            valid (Tensor): 1 for proposals inside of the video, float32 [D, T].
        """
        everywhere = paddle.ones_like(start)
        boundary = balanced_entropy(start, true_start > 0.5, everywhere) + balanced_entropy(
            end, true_end > 0.5, everywhere
        )
        right = balanced_entropy(found[:, 1], overlaps > RIGHT, valid.expand_as(overlaps))
        error = balanced_error(found[:, 0], overlaps, valid)
        return {"loss_boundary": boundary, "loss_overlap": self.regression_weight * error, "loss_right": right}


def balanced_entropy(scores, positive, mask):
    """The cross entropy of scores in which positives and negatives weigh the same, or that of negatives alone.

    Args:
        scores (Tensor): 0 to 1, float32 of any shape.
        positive (Tensor): bool of this shape.
        mask (Tensor): float32 of this shape, 0 where nothing is learned.
    """
    positive = positive.astype("float32") * mask
    negative = mask - positive
    count, found = mask.sum(), positive.sum()
    ratio = count / found.clip(min=1.0)
    weight_negative = 0.5 * ratio / (ratio - 1).clip(min=EPSILON)
    there = 0.5 * ratio * positive * paddle.log(scores + EPSILON)
    absent = weight_negative * negative * paddle.log(1 - scores + EPSILON)
    return -(there + absent).sum() / count


def balanced_error(scores, overlaps, valid):
    """Half the mean squared error of overlaps; of medium and low ones as many are drawn as there are high ones.

    Args:
        scores (Tensor): float32 [N, D, T].
        overlaps (Tensor): float32 [N, D, T].
        valid (Tensor): float32 [D, T].
    """
    high = (overlaps > HIGH).astype("float32")
    medium = ((overlaps <= HIGH) & (overlaps > LOW)).astype("float32")
    low = (overlaps <= LOW).astype("float32") * valid
    weights = high
    for kind in (medium, low):
        share = high.sum() / kind.sum().clip(min=1.0)
        weights = weights + kind * (paddle.rand(kind.shape) < share).astype("float32")
    return 0.5 * ((scores - overlaps) ** 2 * weights).sum() / weights.sum().clip(min=1.0)
