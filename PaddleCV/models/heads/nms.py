"""Non-maximum suppression (NMS): from many scored boxes to one box per object.

Shapes in this file:
    N images, P boxes an image, C classes, R boxes kept of all images together.
"""

import paddle
from paddle import nn
from paddle.vision.ops import matrix_nms


class MulticlassNMS(nn.Layer):
    """Per class, keeps the best box and drops those that overlap it, until none is left.

    Args:
        score (float): boxes of a lower score are dropped first.
        iou (float): a box that overlaps a better one of its class by more than this is dropped.
        keep (int): at most this many boxes an image, the best of all classes.
        top_k (int): at most this many boxes of a class enter, the best; -1 for all.
    """

    def __init__(self, score=0.01, iou=0.45, keep=100, top_k=1000):
        super().__init__()
        self.score, self.iou, self.keep, self.top_k = score, iou, keep, top_k

    def forward(self, boxes, scores, given=None):
        """Rows [R, 6] of (label, score, x1, y1, x2, y2), image after image, and how many of each, int32 [N].

        Args:
            boxes (Tensor): float32 [N, P, 4]; or, image after image, one box per class [all P, C, 4].
            scores (Tensor): float32 [N, C, P]; or [all P, C].
            given (Tensor): int32 [N], the number of boxes of each image, where there is one box per class.
        """
        rows, _, counts = self.choose(boxes, scores, given)
        return rows, counts

    def choose(self, boxes, scores, given=None):
        """As :meth:`forward`, and between both the place of each row among the boxes of all images, int32 [R, 1]."""
        return paddle._C_ops.multiclass_nms3(
            boxes, scores, given, self.score, self.top_k, self.keep, self.iou, True, 1.0, -1
        )


class MatrixNMS(nn.Layer):
    """Lowers the score of each box by its overlap with better ones, in one pass (SOLOv2, arXiv 2003.10152, 3.3).

    Args:
        score (float): boxes of a lower score are dropped first.
        post_score (float): boxes whose lowered score is below this are dropped.
        keep (int): at most this many boxes an image, the best of all classes.
        top_k (int): at most this many boxes of a class enter, the best.
        gaussian (bool): lower by a Gaussian of the overlap, not linearly.
        sigma (float): of the Gaussian.
    """

    def __init__(self, score=0.01, post_score=0.01, keep=100, top_k=1000, gaussian=False, sigma=2.0):
        super().__init__()
        self.score, self.post_score, self.keep, self.top_k = score, post_score, keep, top_k
        self.gaussian, self.sigma = gaussian, sigma

    def forward(self, boxes, scores):
        """As :meth:`MulticlassNMS.forward`."""
        rows, counts = matrix_nms(
            boxes,
            scores,
            self.score,
            self.post_score,
            self.top_k,
            self.keep,
            use_gaussian=self.gaussian,
            gaussian_sigma=self.sigma,
            background_label=-1,
        )[:2]
        return rows, counts
