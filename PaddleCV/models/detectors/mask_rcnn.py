"""Mask R-CNN (https://arxiv.org/abs/1703.06870, section 3), and with the stages of Cascade R-CNN.

Shapes in this file:
    N images of D channels (3 of RGB) and H x W pixels, M objects an image (padded), R boxes of all images together,
    S height and width of a mask.
Boxes are (x1, y1, x2, y2) in pixels.
"""

import paddle
from paddle.nn import functional as F

from ..anchors.matching import usable_rows
from ..rois.rows import image_of_rows, with_row, with_row_of_last
from .cascade_rcnn import CascadeRCNN
from .faster_rcnn import FasterRCNN, default_nms, first_stage


class MaskBranch:
    """Base class of detectors that also give a mask for every box that they find, by their MaskStage `masks`."""

    task = "InstanceSegmentation"
    outputs = ("boxes", "num_boxes", "masks")

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
        masks = self.masks(self.mask_cells(features, boxes, more), every[:, 0].astype("int64") + 1)
        return rows, counts, paddle.gather(F.sigmoid(masks), paddle.arange(paddle.shape(rows)[0]))

    def mask_cells(self, features, rois, counts):
        """Features [R, channels, S / 2, S / 2] for the masks of RoIs [R, 4], `counts` of each image."""
        return self.masks.roi(features, rois, counts)

    def mask_loss(self, features, sampled, batch, cells=None):
        """The term of the masks; `cells` are those of :meth:`mask_cells` of all sampled RoIs, where they are known."""
        chosen, positive = sampled.with_objects()
        if cells is None:
            cells = self.mask_cells(features, positive.rois, positive.counts)
        else:
            cells = paddle.gather(cells, chosen)
        rows = usable_rows(batch["boxes"], batch["labels"])
        masks = [paddle.gather(mine, row) for mine, row in zip(batch["masks"], rows)]
        return self.masks.loss(cells, positive, masks)

    def loss(self, batch):
        """The terms of both stages; `batch` as of :meth:`FasterRCNN.loss`, and `masks` uint8 [N, M, H, W]."""
        if "masks" not in batch:
            raise ValueError(
                f"{type(self).__name__} is trained on masks, and the samples have none; CocoDetection: with_masks: true"
            )
        return super().loss(batch)


class MaskRCNN(MaskBranch, FasterRCNN):
    """Faster R-CNN with a mask for every box that it finds.

    A MaskStage without `roi` shares the features of the box stage after its convolutions, the last stage of a ResNet.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        boxes (BoxStage): proposals to scores and boxes.
        masks (MaskStage): boxes to masks.
        nms (MulticlassNMS): scores and boxes to the rows of the detections.
    """

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
        levels["num_classes"] = num_classes
        boxes = build(boxes, **levels)
        masks = build(masks, **levels, shared_channels=boxes.shared_channels)
        return cls(backbone, neck, rpn, boxes, masks, build(nms) if nms else default_nms())

    def mask_cells(self, features, rois, counts):
        """As of :class:`MaskBranch`, or those of the box stage."""
        if self.masks.roi is None:
            return self.boxes.shared_cells(features, rois, counts)
        return super().mask_cells(features, rois, counts)

    def second_stage(self, features, rois, counts, objects, batch):
        """The terms of the loss of the boxes and of the masks."""
        sampled = self.boxes.sampler(rois, counts, objects)
        shared = self.masks.roi is None
        cells = self.boxes.shared_cells(features, sampled.rois, sampled.counts) if shared else None
        terms, _, _ = self.boxes.loss(features, sampled, cells)
        return terms | self.mask_loss(features, sampled, batch, cells)


class CascadeMaskRCNN(MaskBranch, CascadeRCNN):
    """Cascade R-CNN with a mask for every box that it finds, trained on the RoIs of the last stage.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer | None): features to features; None to use those of the backbone.
        rpn (RPN): features to proposals.
        stages (list[BoxStage]): each with one box for all classes.
        masks (MaskStage): boxes to masks.
        nms (MulticlassNMS): scores and boxes to the rows of the detections.
        stage_weights (list[float]): of the losses of each stage.
        own_scores (bool): the scores of each head are those of the RoIs of its stage; else of the last RoIs.
    """

    def __init__(self, backbone, neck, rpn, stages, masks, nms, stage_weights=(1.0, 0.5, 0.25), own_scores=False):
        super().__init__(backbone, neck, rpn, stages, nms, stage_weights, own_scores)
        self.masks = masks

    @classmethod
    def from_config(
        cls,
        backbone,
        rpn,
        stages,
        masks,
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
            masks (node): MaskStage.
            num_classes (int): C.
            neck (node): FPN; the features of the backbone are used where it is left out.
            nms (node): MulticlassNMS; with the defaults of Faster R-CNN where it is left out.
            stage_weights (list[float]): of the losses of each stage.
            own_scores (bool): the scores of each head are those of the RoIs of its stage; else of the last RoIs.
        """
        backbone, neck, rpn, levels = first_stage(backbone, neck, rpn, build)
        stages, masks = (build(node, **levels, num_classes=num_classes) for node in (stages, masks))
        return cls(backbone, neck, rpn, stages, masks, build(nms) if nms else default_nms(), stage_weights, own_scores)

    def second_stage(self, features, rois, counts, objects, batch):
        """The terms of the loss of every stage, with its number, and of the masks."""
        terms, sampled = self.stage_losses(features, rois, counts, objects, batch)
        return terms | self.mask_loss(features, sampled, batch)
