"""Cascade R-CNN with a box for each class in every stage, by the second place of the Open Images challenge of 2019
(https://arxiv.org/abs/1911.07171, section 3.1); the cascade itself: https://arxiv.org/abs/1712.00726.

Shapes in this file:
    N images, C classes, K = 1 + C with the background first, R RoIs of all images together.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle.nn import functional as F

from ..anchors.deltas import clip_boxes
from ..rois.rows import image_of_rows
from .cascade_rcnn import CascadeRCNN
from .faster_rcnn import default_nms, first_stage


class ClassAwareCascadeRCNN(CascadeRCNN):
    """A cascade in which a stage starts from the box of the class that scores highest in the one before.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        stages (list[BoxStage]): each with one box for each class.
        nms (Layer): scores and boxes to the rows of the detections.
        stage_weights (list[float]): of the losses of each stage.
        shares (list[float]): of each stage in the mean of the scores and of the boxes of all stages.
    """

    agnostic = False

    def __init__(self, backbone, neck, rpn, stages, nms, stage_weights=(1.0, 0.5, 0.25), shares=(0.2, 0.3, 0.5)):
        super().__init__(backbone, neck, rpn, stages, nms, stage_weights)
        if len(shares) != len(stages) or min(shares) < 0 or sum(shares) <= 0:
            raise ValueError(f"shares is {list(shares)}; each of the {len(stages)} stages takes one of 0 or more")
        self.shares = [share / sum(shares) for share in shares]

    @classmethod
    def from_config(
        cls, backbone, rpn, stages, num_classes, build, neck=None, nms=None, stage_weights=(1.0, 0.5, 0.25),
        shares=(0.2, 0.3, 0.5),
    ):  # fmt: skip
        """Builds the parts in order; each is given the channels and strides of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            rpn (node): RPN.
            stages (list[node]): BoxStage.
            num_classes (int): C.
            neck (node): FPN; the features of the backbone are used where it is left out.
            nms (node): MulticlassNMS or SoftNMS; with the defaults of Faster R-CNN where it is left out.
            stage_weights (list[float]): of the losses of each stage.
            shares (list[float]): of each stage in the mean of the scores and of the boxes of all stages.
        """
        backbone, neck, rpn, levels = first_stage(backbone, neck, rpn, build)
        stages = build(stages, **levels, num_classes=num_classes)
        return cls(backbone, neck, rpn, stages, build(nms) if nms else default_nms(), stage_weights, shares)

    def classify(self, features, rois, counts, im_shape):
        """Scores [R, C] and boxes [R, C, 4] in input pixels, the means of all stages."""
        scores, boxes = 0.0, 0.0
        for number, (stage, share) in enumerate(zip(self.boxes, self.shares), 1):
            logits, deltas = stage(features, rois, counts)
            mine, found = stage.decode(logits, deltas, rois)
            scores, boxes = scores + share * mine, boxes + share * found
            if number < len(self.boxes):
                rois = self.moved(stage, logits, deltas, rois, counts, im_shape)
        return scores, boxes

    def moved(self, stage, logits, deltas, rois, counts, im_shape):
        """RoIs [R, 4] moved by the deltas [R, K, 4] of the best class of [R, K] logits, and clipped to their images."""
        best = paddle.argmax(logits[:, 1:], axis=1)
        chosen = F.one_hot(best, logits.shape[1] - 1).unsqueeze(2)
        boxes = (stage.decode_boxes(deltas, rois) * chosen).sum(axis=1, keepdim=True)
        return clip_boxes(boxes, paddle.gather(im_shape, image_of_rows(rois, counts))).squeeze(1)
