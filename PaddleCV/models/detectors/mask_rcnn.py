"""Mask R-CNN (https://arxiv.org/abs/1703.06870, section 3).

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, M objects an image (padded), R boxes of all images together,
    S height and width of a mask.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import paddle
from paddle.nn import functional as F

from ..anchors.matching import usable_rows
from ..rois.rows import image_of_rows, with_row, with_row_of_last
from .faster_rcnn import FasterRCNN, default_nms, first_stage


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with a mask for every box that it finds.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        boxes (BoxStage): proposals to scores and boxes.
        masks (MaskStage): boxes to masks.
        nms (MulticlassNMS): scores and boxes to the rows of the detections.
    """

    task = "InstanceSegmentation"
    outputs = ("boxes", "num_boxes", "masks")

    def __init__(self, backbone, neck, rpn, boxes, masks, nms):
        super().__init__(backbone, neck, rpn, boxes, nms)
        self.masks = masks

    @classmethod
    def from_config(cls, backbone, rpn, boxes, masks, num_classes, build, neck=None, nms=None):
        """Builds the parts in order; each is given the channels and strides of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            rpn (node): RPN.
            boxes (node): BoxStage.
            masks (node): MaskStage.
            num_classes (int): C.
            neck (node): FPN; the features of the backbone are used where it is left out.
            nms (node): MulticlassNMS; with the defaults of Faster R-CNN where it is left out.
        """
        backbone, neck, rpn, levels = first_stage(backbone, neck, rpn, build)
        boxes, masks = (build(node, **levels, num_classes=num_classes) for node in (boxes, masks))
        return cls(backbone, neck, rpn, boxes, masks, build(nms) if nms else default_nms())

    def forward(self, image, im_shape, scale_factor):
        """The detected boxes, in pixels of the original images, and their masks.

        Args:
            image (Tensor): float32 [N, D, H, W].
            im_shape (Tensor): float32 [N, 2], height and width of the image within the input, without its padding.
            scale_factor (Tensor): float32 [N, 2], input pixels per original pixel, along y and x.

        Returns:
            tuple[Tensor, Tensor, Tensor]: as of :meth:`FasterRCNN.forward`, and float32 [R, S, S], the probability that
                a pixel of a box belongs to its object.
        """
        features = self.features(image)
        rows, counts = self.detect(features, im_shape, scale_factor)
        every, more = with_row(rows), with_row_of_last(counts)  # there may be no rows
        scale = paddle.gather(scale_factor.flip(axis=1), image_of_rows(every, more))
        boxes = every[:, 2:] * paddle.concat([scale, scale], axis=1)
        masks = self.masks(features, boxes, more, every[:, 0].astype("int64") + 1)
        return rows, counts, paddle.gather(F.sigmoid(masks), paddle.arange(paddle.shape(rows)[0]))

    def second_stage(self, features, rois, counts, objects, batch):
        """The terms of the loss of the boxes and of the masks; `masks` uint8 [N, M, H, W] are in the batch."""
        if "masks" not in batch:
            raise ValueError("MaskRCNN is trained on masks, and the samples have none; CocoDetection: with_masks: true")
        sampled = self.boxes.sampler(rois, counts, objects)
        terms, _, _ = self.boxes.loss(features, sampled)
        rows = usable_rows(batch["boxes"], batch["labels"])
        masks = [paddle.gather(mine, row) for mine, row in zip(batch["masks"], rows)]
        return terms | self.masks.loss(features, sampled, masks)
