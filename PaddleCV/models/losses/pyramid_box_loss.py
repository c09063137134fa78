"""The loss of PyramidBox with its pyramid anchors (https://arxiv.org/abs/1803.07737, sections 3.3 and 3.4).

Shapes in this file:
    N images, M faces an image (padded).
Boxes are (x1, y1, x2, y2) in input pixels; a label of -1 marks padding.

The prior boxes are trained on faces, and by branches of their own on boxes of twice and four times the size around
them: head and body, for which no annotation is needed.  Of each part, with the terms of `multibox_loss.py`:
    loss_PART_class, loss_PART_box
"""

import paddle

from ..heads.pyramid_box_head import PARTS
from .multibox_loss import MultiBoxLoss


class PyramidBoxLoss(MultiBoxLoss):
    """Trains the scores and deltas of each part as SSD does.

    Args:
        positive (float): as of MultiBoxLoss.
        negative (float): as of MultiBoxLoss.
        negatives (float): as of MultiBoxLoss.
        box_weight (float): of the terms of boxes.
        class_weight (float): of the terms of classes.
        part_weights (list[float]): of face, head and body.
    """

    def __init__(
        self,
        positive=0.35,
        negative=0.35,
        negatives=3.0,
        box_weight=1.0,
        class_weight=1.0,
        part_weights=(1.0, 1.0, 1.0),
    ):
        super().__init__(positive, negative, negatives, box_weight, class_weight)
        if len(part_weights) != len(PARTS):
            raise ValueError(f"PyramidBoxLoss takes {len(PARTS)} part_weights, not {list(part_weights)}")
        self.part_weights = list(part_weights)

    def forward(self, predictions, head, boxes, labels, scores=None):
        """Two terms of each part, each a number; arguments as of :meth:`MultiBoxLoss.forward`."""
        height, width = (side * head.strides[0] for side in predictions[1][0].shape[2:])
        terms = {}
        for index, name in enumerate(head.parts):
            around = expand_boxes(boxes, 2.0**index, height, width) if index else boxes
            found = self.terms(*head.flatten(predictions, index), around, labels)
            terms |= {
                key.replace("loss_", f"loss_{name}_"): self.part_weights[index] * term for key, term in found.items()
            }
        return terms


def expand_boxes(boxes, factor, height, width):
    """Boxes [N, M, 4] of `factor` times the width and height around the same centers, clipped to the image."""
    centers, halves = (boxes[..., :2] + boxes[..., 2:]) * 0.5, (boxes[..., 2:] - boxes[..., :2]) * (0.5 * factor)
    around = paddle.concat([centers - halves, centers + halves], axis=-1)
    limits = paddle.to_tensor([width, height] * 2, dtype=boxes.dtype)
    return paddle.minimum(paddle.clip(around, min=0.0), limits)
