"""Region proposals (https://arxiv.org/abs/1506.01497, section 3.3; https://arxiv.org/abs/1612.03144, section 4.1).

Shapes in this file:
    N images, L levels, P anchors of all levels, R proposals of all images together.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle

from ..heads.nms import MulticlassNMS
from .deltas import clip_boxes, decode_deltas

LOWEST = 1e9  # the negative of it is below all scores


class Proposals:
    """Selects the boxes that most probably hold an object: by score, then NMS within each level.

    Args:
        top_k (int): of each level, the boxes that enter NMS.
        keep (int): of each image, the boxes that remain, the best of all levels.
        iou (float): a box that overlaps a better one of its level by more than this is dropped.
        min_size (float): boxes that are narrower or lower than this many pixels are dropped.
    """

    def __init__(self, top_k=1000, keep=1000, iou=0.7, min_size=0.0):
        self.nms = MulticlassNMS(score=-LOWEST / 2, iou=iou, keep=keep, top_k=top_k)
        self.min_size = min_size

    def __call__(self, scores, deltas, anchors, im_shape):
        """The proposals of all images, those of the first image first.

        Args:
            scores (list[Tensor]): of each level, float32 [N, P of the level], logits or probabilities.
            deltas (list[Tensor]): of each level, float32 [N, P of the level, 4].
            anchors (list[Tensor]): of each level, float32 [P of the level, 4].
            im_shape (Tensor): float32 [N, 2], height and width of the images without padding.

        Returns:
            tuple[Tensor, Tensor]: float32 [R, 4], and int32 [N], how many there are of each image.
        """
        boxes = [decode_deltas(level, around.unsqueeze(0)) for level, around in zip(deltas, anchors)]
        boxes = clip_boxes(paddle.concat(boxes, axis=1), im_shape)
        sides = (boxes[..., 2:] - boxes[..., :2]).min(axis=-1)
        too_small = (sides < max(self.min_size, 1e-3)).astype("float32")  # [N, P]
        by_level = []  # NMS takes the levels for classes
        for level in range(len(scores)):
            rows = [other if other is scores[level] else paddle.full_like(other, -LOWEST) for other in scores]
            by_level.append(paddle.concat(rows, axis=1) - LOWEST * too_small)
        rows, counts = self.nms(boxes, paddle.stack(by_level, axis=1))
        return rows[:, 2:], counts
