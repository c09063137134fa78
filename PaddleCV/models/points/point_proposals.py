"""Proposals of PointRCNN (https://arxiv.org/abs/1812.04244, section 3.3): the best boxes near and far, without doubles.

Shapes in this file:
    N clouds of P points, each with a box (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.
"""

import numpy as np
import paddle

from common.vision.boxes_3d import suppress_rotated

from .oriented_boxes import LOWEST, suppress
from .point_ops import take_points


class PointProposals:
    """A share of the proposals is of near objects, the rest of far ones, of which there are fewer points.

    Args:
        candidates (int): the best boxes that are compared, near and far ones together.
        keep (int): proposals of a cloud.
        iou (float): a box that overlaps a better one by more, seen from above, is left out.
        keep_training (int): proposals of a cloud in training.
        iou_training (float): the overlap in training.
        near (float): boxes up to this distance forward, in meters, are near.
        far (float): boxes beyond this one are left out.
        share (float): of near boxes, of the candidates and of the proposals.
    """

    def __init__(
        self,
        candidates=9000,
        keep=100,
        iou=0.8,
        keep_training=512,
        iou_training=0.85,
        near=40.0,
        far=80.0,
        share=0.7,
    ):
        if not 0 < near < far or not 0 < share < 1 or not 0 <= min(iou, iou_training) <= max(iou, iou_training) <= 1:
            raise ValueError(
                f"PointProposals got near {near}, far {far}, share {share}, iou {iou} and {iou_training}; "
                "near is above 0 and below far, the others are from 0 to 1"
            )
        if min(candidates, keep, keep_training) < 2:
            raise ValueError("PointProposals compares 2 candidates or more, and keeps 2 boxes or more")
        self.candidates, self.share, self.iou, self.iou_training = candidates, share, iou, iou_training
        self.keep, self.keep_training, self.near, self.far = keep, keep_training, near, far

    def ranges(self, keep):
        """(smallest and largest distance, candidates, kept ones) of near and of far boxes."""
        first = [round(self.share * count) for count in (self.candidates, keep)]
        return [
            (0.0, self.near, max(first[0], 1), max(first[1], 1)),
            (self.near, self.far, max(self.candidates - first[0], 1), max(keep - first[1], 1)),
        ]

    def __call__(self, boxes, scores):
        """The proposals float32 [N, keep, 7], the best near ones first, and bool [N, keep], False where none is left.

        There the box is zeros.

        Args:
            boxes (Tensor): float32 [N, P, 7].
            scores (Tensor): float32 [N, P], logits.
        """
        found = []
        for low, high, candidates, keep in self.ranges(self.keep):
            distance = boxes[:, :, 2]
            inside = paddle.logical_and(distance > low, distance <= high)
            ranked = paddle.where(inside, scores, paddle.full_like(scores, LOWEST))
            best, place = paddle.topk(ranked, min(candidates, boxes.shape[1]), axis=1)
            mine = take_points(boxes, place.astype("int32"))
            chosen, there = suppress(mine, best, self.iou, keep)
            found.append((take_points(mine, chosen) * there.astype("float32").unsqueeze(2), there))
        return tuple(paddle.concat(parts, 1) for parts in zip(*found))

    def on_host(self, boxes, scores):
        """The proposals for training, a list of float64 [K, 7] with up to `keep_training` boxes of each cloud.

        Args:
            boxes (ndarray): [N, P, 7].
            scores (ndarray): [N, P], logits.
        """
        found = []
        for mine, score in zip(np.asarray(boxes, np.float64), scores):
            parts = []
            for low, high, candidates, keep in self.ranges(self.keep_training):
                inside = np.flatnonzero((mine[:, 2] > low) & (mine[:, 2] <= high))
                best = inside[np.argsort(-score[inside], kind="stable")][:candidates]
                parts.append(mine[best][suppress_rotated(mine[best], score[best], self.iou_training, keep)])
            found.append(np.concatenate(parts))
        return found
