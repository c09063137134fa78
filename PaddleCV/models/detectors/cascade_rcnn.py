"""Cascade R-CNN (https://arxiv.org/abs/1712.00726, section 4).

Shapes in this file:
    N images, C classes, L levels of features, R RoIs of all images together.
Boxes are (x1, y1, x2, y2) in input pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..anchors.deltas import clip_boxes
from ..rois.rows import image_of_rows
from .faster_rcnn import FasterRCNN, default_nms, first_stage


class CascadeRCNN(FasterRCNN):
    """A two-stage detector whose second stage is repeated: each moves the boxes of the one before.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        stages (list[BoxStage]): each with one box for all classes.
        nms (MulticlassNMS): scores and boxes to the rows of the detections.
        stage_weights (list[float]): of the losses of each stage.
        own_scores (bool): the scores of each head are those of the RoIs of its stage, as in later programs; else of the
            last RoIs.
    """

    agnostic = True

    def __init__(self, backbone, neck, rpn, stages, nms, stage_weights=(1.0, 0.5, 0.25), own_scores=False):
        if len(stages) != len(stage_weights):
            raise ValueError(f"{type(self).__name__} got {len(stages)} stages and {len(stage_weights)} stage_weights")
        if not all(stage.head.agnostic == self.agnostic for stage in stages):
            kind = (
                "one box for all classes, agnostic: true" if self.agnostic else "a box for each class, agnostic: false"
            )
            raise ValueError(f"{type(self).__name__} takes heads with {kind}")
        super().__init__(backbone, neck, rpn, nn.LayerList(stages), nms)
        self.stage_weights, self.own_scores = tuple(stage_weights), own_scores

    @classmethod
    def from_config(
        cls,
        backbone,
        rpn,
        stages,
        num_classes,
        build,
        neck=None,
        nms=None,
        stage_weights=(1.0, 0.5, 0.25),
        own_scores=False,
    ):
        """Builds the parts in order; each is given the channels and strides of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            rpn (node): RPN.
            stages (list[node]): BoxStage.
            num_classes (int): C.
            neck (node): FPN; the features of the backbone are used where it is left out.
            nms (node): MulticlassNMS; with the defaults of Faster R-CNN where it is left out.
            stage_weights (list[float]): of the losses of each stage.
            own_scores (bool): the scores of each head are those of the RoIs of its stage, as in later programs; else of
                the last RoIs.
        """
        backbone, neck, rpn, levels = first_stage(backbone, neck, rpn, build)
        stages = build(stages, **levels, num_classes=num_classes)
        return cls(backbone, neck, rpn, stages, build(nms) if nms else default_nms(), stage_weights, own_scores)

    def classify(self, features, rois, counts, im_shape):
        """Scores [R, C], the mean of all heads, and boxes [R, C, 4] in input pixels."""
        *others, last = self.boxes
        scores = 0.0
        for stage in others:
            logits, deltas = stage(features, rois, counts)
            rois = self.moved(stage, logits, deltas, rois, counts, im_shape)
            if self.own_scores:
                scores = scores + F.softmax(logits, axis=1)[:, 1:]
        regions = last.roi(features, rois, counts)
        logits, deltas = last.head(regions)
        mine, boxes = last.decode(logits, deltas, rois)
        scores = scores + mine
        for stage in () if self.own_scores else others:
            scores = scores + F.softmax(stage.head(regions)[0], axis=1)[:, 1:]
        return scores / len(self.boxes), boxes.expand([-1, scores.shape[1], 4])

    def second_stage(self, features, rois, counts, objects, batch):
        """The terms of the loss of every stage, with its number."""
        return self.stage_losses(features, rois, counts, objects, batch)[0]

    def stage_losses(self, features, rois, counts, objects, batch):
        """The terms of :meth:`second_stage`, and the SampledRois of the last stage."""
        terms = {}
        for number, (stage, weight) in enumerate(zip(self.boxes, self.stage_weights), 1):
            sampled = stage.sampler(rois, counts, objects, with_objects=number == 1)
            mine, logits, deltas = stage.loss(features, sampled)
            terms |= {f"{name}_{number}": weight * value for name, value in mine.items()}
            with paddle.no_grad():
                rois, counts = (
                    self.moved(stage, logits, deltas, sampled.rois, sampled.counts, batch["im_shape"]),
                    sampled.counts,
                )
        return terms, sampled

    def moved(self, stage, logits, deltas, rois, counts, im_shape):
        """RoIs [R, 4] moved by the deltas [R, 2, 4] of a stage and clipped to their images."""
        boxes = stage.decode_boxes(deltas, rois)
        return clip_boxes(boxes, paddle.gather(im_shape, image_of_rows(rois, counts))).squeeze(1)
