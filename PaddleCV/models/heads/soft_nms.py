"""Soft-NMS (https://arxiv.org/abs/1704.04503, section 3): overlapping boxes lose score instead of being dropped.

Shapes in this file:
    N images, A boxes of all images together, P boxes an image (padded), C classes, M = N C lists of T boxes each,
    R boxes kept of all images together.
"""

import paddle
from paddle import nn

from ..rois.rows import with_row


class SoftNMS(nn.Layer):
    """Per class, takes the best box and multiplies the scores of the others by exp(-IoU^2 / sigma), until none is left.

    Args:
        score (float): a box whose score is or becomes no more than this is dropped.
        sigma (float): of the Gaussian; the less, the more do overlapping boxes lose.
        keep (int): at most this many boxes of a class, and of an image, the best of all classes.
        top_k (int): at most this many boxes of a class enter, the best; -1 for all.
    """

    def __init__(self, score=0.001, sigma=0.5, keep=300, top_k=-1):
        super().__init__()
        if sigma <= 0 or keep < 1 or score < 0:
            raise ValueError(
                f"SoftNMS got sigma {sigma}, keep {keep}, score {score}; allowed: above 0, 1 or more, 0 or more"
            )
        self.score, self.sigma, self.keep, self.top_k = score, sigma, keep, top_k

    def forward(self, boxes, scores, given):
        """Rows [R, 6] of (label, score, x1, y1, x2, y2), image after image, and how many of each, int32 [N].

        Args:
            boxes (Tensor): float32 [A, C, 4], one box per class.
            scores (Tensor): float32 [A, C].
            given (Tensor): int32 [N], the number of boxes of each image.
        """
        boxes, scores = self.lists(boxes, scores, given)
        images, classes = paddle.shape(given)[0], scores.shape[1]
        scores = self.lowered(boxes.flatten(0, 1), scores.flatten(0, 1)).reshape([images, -1])  # [N, C T]
        boxes = boxes.flatten(1, 2)  # [N, C T, 4]
        count = paddle.shape(scores)[1] // classes  # T
        best = paddle.argsort(scores, axis=1, descending=True, stable=True)[:, : self.keep]
        scores = paddle.take_along_axis(scores, best, 1, broadcast=False)
        chosen = paddle.take_along_axis(boxes, best.unsqueeze(2).expand([-1, -1, 4]), 1, broadcast=False)
        labels = (best // count.astype(best.dtype)).astype("float32")
        rows = paddle.concat([labels.unsqueeze(2), scores.unsqueeze(2), chosen], 2).reshape([-1, 6])
        real = (scores > 0).astype("int32")
        return paddle.gather(rows, real.flatten().nonzero().flatten()), real.sum(1).astype("int32")

    def lists(self, boxes, scores, given):
        """Boxes [N, C, T, 4] and scores [N, C, T] of each class of each image, padded with scores of 0."""
        classes = scores.shape[1]
        scores = paddle.where(scores > self.score, scores, paddle.zeros_like(scores))  # NaN is not above
        most = paddle.clip(given.max(), min=1)
        places = paddle.arange(most).astype("int64").unsqueeze(0)  # [1, P]
        given = given.astype("int64").unsqueeze(1)
        index = paddle.where(
            places < given, paddle.cumsum(given, 0) - given + places, paddle.shape(scores)[0].astype("int64")
        )
        boxes = paddle.gather(with_row(boxes.reshape([-1, 4 * classes])), index.flatten())
        scores = paddle.gather(with_row(scores), index.flatten())
        images = paddle.shape(given)[0]
        boxes = boxes.reshape([images, -1, classes, 4]).transpose([0, 2, 1, 3])
        scores = scores.reshape([images, -1, classes]).transpose([0, 2, 1])
        if self.top_k < 0:
            return boxes, scores
        best = paddle.argsort(scores, axis=2, descending=True, stable=True)[:, :, : self.top_k]
        scores = paddle.take_along_axis(scores, best, 2, broadcast=False)
        return paddle.take_along_axis(boxes, best.unsqueeze(3).expand([-1, -1, -1, 4]), 2, broadcast=False), scores

    def lowered(self, boxes, scores):
        """The score with which each box of its list is taken, [M, T], 0 for those that are dropped; boxes [M, T, 4]."""
        places = paddle.arange(paddle.shape(scores)[1]).astype("int64").unsqueeze(0)  # [1, T]

        def goes_on(step, scores, taken):
            return (step[0] < self.keep) & (scores.max() > 0)

        def take(step, scores, taken):
            best = scores.argmax(1, keepdim=True)  # [M, 1]
            mine = places == best
            taken = paddle.where(mine, paddle.maximum(scores, taken), taken)
            box = paddle.take_along_axis(boxes, best.unsqueeze(2).expand([-1, -1, 4]), 1, broadcast=False)
            overlap = iou_of(box, boxes)
            left = scores * paddle.exp(-overlap * overlap / self.sigma)
            left = paddle.where(mine | ~(left > self.score), paddle.zeros_like(left), left)
            return step + 1, left, taken

        start = [paddle.zeros([1], "int32"), paddle.assign(scores), paddle.zeros_like(scores)]
        return paddle.static.nn.while_loop(goes_on, take, start)[2]


def iou_of(box, boxes):
    """The IoU of boxes [M, 1, 4] with boxes [M, T, 4], [M, T]; 0 where it is undefined."""
    low = paddle.maximum(box[..., :2], boxes[..., :2])
    high = paddle.minimum(box[..., 2:], boxes[..., 2:])
    common = paddle.clip(high - low, min=0).prod(2)
    areas = [paddle.clip(one[..., 2:] - one[..., :2], min=0).prod(2) for one in (box, boxes)]
    found = common / paddle.clip(areas[0] + areas[1] - common, min=1e-9)
    return paddle.where(found > 0, found, paddle.zeros_like(found))
