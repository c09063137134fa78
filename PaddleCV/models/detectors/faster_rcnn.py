"""Faster R-CNN (https://arxiv.org/abs/1506.01497), with features of one level or of a pyramid.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, M objects an image (padded), C classes, A anchors per cell of
    a level, R RoIs or boxes of all images together.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import paddle
from paddle import nn

from ..anchors.matching import objects_of
from ..backbones.staged import image_channels
from ..boxes import original_boxes
from ..heads.nms import MulticlassNMS
from ..rois.rows import image_of_rows
from .one_stage import BOX_INPUTS
from .sides import check_sides


class FasterRCNN(nn.Layer):
    """A two-stage detector: proposals of regions that may hold an object, then a class and a box for each.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        boxes (BoxStage): proposals to scores and boxes.
        nms (MulticlassNMS): scores and boxes to the rows of the detections.
    """

    task = "Detection"
    outputs = ("boxes", "num_boxes")

    def __init__(self, backbone, neck, rpn, boxes, nms):
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.rpn = rpn
        self.boxes = boxes
        self.nms = nms
        self.inputs = {"image": ([None, image_channels(backbone), None, None], "float32"), **BOX_INPUTS}
        self.size_multiple = backbone.strides[-1] if neck else 1

    @classmethod
    def from_config(cls, backbone, rpn, boxes, num_classes, build, neck=None, nms=None):
        """Builds the parts in order; each is given the channels and strides of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            rpn (node): RPN.
            boxes (node): BoxStage.
            num_classes (int): C.
            neck (node): FPN; the features of the backbone are used where it is left out.
            nms (node): MulticlassNMS; with the defaults of Faster R-CNN where it is left out.
        """
        backbone, neck, rpn, levels = first_stage(backbone, neck, rpn, build)
        boxes = build(boxes, **levels, num_classes=num_classes)
        return cls(backbone, neck, rpn, boxes, build(nms) if nms else default_nms())

    def features(self, image):
        """Features of each level, the finest first."""
        if paddle.in_dynamic_mode():
            check_sides(type(self).__name__, image.shape[2:], self.size_multiple)
        features = self.backbone(image)
        return self.neck(features) if self.neck is not None else features

    def predict(self, image):
        """The raw predictions of the first stage: objectness [N, A, H, W] and deltas [N, A * 4, H, W] of each level."""
        return self.rpn(self.features(image))

    def forward(self, image, im_shape, scale_factor):
        """The detected boxes, in pixels of the original images.

        Args:
            image (Tensor): float32 [N, D, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of the image within the input, without its padding.
            scale_factor (Tensor): float32 [N, 2], input pixels per original pixel, along y and x.

        Returns:
            tuple[Tensor, Tensor]: float32 [R, 6] rows (label, score, x1, y1, x2, y2), those of the first image first,
                and int32 [N], how many of them are of each image.
        """
        return self.detect(self.features(image), im_shape, scale_factor)

    def detect(self, features, im_shape, scale_factor):
        """The answer of :meth:`forward` from the features of the images."""
        rois, counts = self.rpn.propose(self.rpn(features), im_shape)
        scores, boxes = self.classify(features, rois, counts, im_shape)
        image_of = image_of_rows(rois, counts)
        boxes = original_boxes(boxes, paddle.gather(im_shape, image_of), paddle.gather(scale_factor, image_of))
        return self.nms(boxes, scores, counts)

    def classify(self, features, rois, counts, im_shape):
        """Scores [R, C] and boxes [R, C, 4] in input pixels of RoIs [R, 4], `counts` of each image."""
        logits, deltas = self.boxes(features, rois, counts)
        return self.boxes.decode(logits, deltas, rois)

    def loss(self, batch):
        """The terms of both stages.

        Args:
            batch (dict): image [N, D, H, W]; im_shape [N, 2]; boxes [N, M, 4] in input pixels; labels [N, M], -1 for
                padding.
        """
        features = self.features(batch["image"])
        objects = objects_of(batch["boxes"], batch["labels"])
        predictions = self.rpn(features)
        terms = self.rpn.loss(predictions, objects, batch["im_shape"])
        with paddle.no_grad():
            rois, counts = self.rpn.propose(predictions, batch["im_shape"])
        return terms | self.second_stage(features, rois, counts, objects, batch)

    def second_stage(self, features, rois, counts, objects, batch):
        """The terms of the loss of what follows the proposals [R, 4], `counts` of each image."""
        terms, _, _ = self.boxes.loss(features, self.boxes.sampler(rois, counts, objects))
        return terms


def first_stage(backbone, neck, rpn, build):
    """Builds the parts up to the proposals from their nodes, in order.

    Returns:
        tuple: backbone, neck or None, rpn, and `in_channels` and `strides` of the levels (dict) for later parts.
    """
    backbone = build(backbone)
    neck = build(neck, in_channels=backbone.out_channels, strides=backbone.strides) if neck else None
    source = neck or backbone
    levels = {"in_channels": source.out_channels, "strides": source.strides}
    return backbone, neck, build(rpn, **levels), levels


def default_nms():
    """The NMS of two-stage detectors: scores from 0.05, IoU 0.5, 100 boxes an image."""
    return MulticlassNMS(0.05, 0.5, 100, -1)
