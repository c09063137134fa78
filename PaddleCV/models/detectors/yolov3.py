"""YOLOv3: An Incremental Improvement (https://arxiv.org/abs/1804.02767).

Shapes in this file:
    N images, A anchors per level, C classes.
"""

import itertools

import paddle

from ..heads.nms import MulticlassNMS
from .one_stage import OneStageDetector
from .sides import check_sides


class YOLOv3(OneStageDetector):
    """A one-stage detector: backbone, feature pyramid, head, NMS.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (Layer): features to features, from the coarsest to the finest.
        head (YOLOv3Head): features to raw predictions, and those to boxes.
        loss (YOLOv3Loss): raw predictions and objects to named numbers.
        nms (Layer): boxes and scores to the rows of the detections.
    """

    def __init__(self, backbone, neck, head, loss, nms):
        super().__init__(backbone, neck, head, loss, nms)
        self.size_multiple = head.strides[0]  # of the coarsest level, which the others are built on

    @classmethod
    def from_config(cls, backbone, neck, head, loss, num_classes, build, nms=None):
        """Builds the parts in order; each is given the channels of the one before it.

        Args:
            backbone (node): a network of PaddleCV/models/backbones.
            neck (node): YOLOv3FPN.
            head (node): YOLOv3Head.
            loss (node): YOLOv3Loss.
            num_classes (int): C.
            nms (node): MulticlassNMS or MatrixNMS; MulticlassNMS with its defaults where it is left out.
        """
        backbone = build(backbone)
        neck = build(neck, in_channels=backbone.out_channels)
        strides = backbone.strides[::-1]
        if any(coarse != 2 * fine for coarse, fine in itertools.pairwise(strides)):
            raise ValueError(
                f"YOLOv3 takes features of which each has half the stride of the one before, the backbone gives "
                f"{strides}; its out_indices"
            )
        head = build(head, in_channels=neck.out_channels, strides=strides, num_classes=num_classes)
        return cls(backbone, neck, head, build(loss), build(nms) if nms else MulticlassNMS())

    def predict(self, image):
        """Raw predictions of each level, [N, A, 5 + C, H / stride, W / stride], from the coarsest to the finest."""
        if paddle.in_dynamic_mode():
            check_sides("YOLOv3", image.shape[2:], self.size_multiple)
        return super().predict(image)
