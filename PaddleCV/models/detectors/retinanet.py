"""RetinaNet: Focal Loss for Dense Object Detection (https://arxiv.org/abs/1708.02002)."""

import paddle

from .one_stage import OneStageDetector
from .sides import check_sides


class RetinaNet(OneStageDetector):
    """A backbone with a feature pyramid, and a head that scores every anchor for every class.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (FPN): features to features of more levels.
        head (RetinaNetHead): features to logits and deltas.
        loss (RetinaNetLoss): of both.
        nms (Layer): boxes and scores to the rows of the detections.
    """

    def __init__(self, backbone, neck, head, loss, nms):
        super().__init__(backbone, neck, head, loss, nms)
        self.size_multiple = backbone.strides[-1]  # the levels of the pyramid are added to one another

    def predict(self, image):
        """Of each level the logits [N, A * C, H, W] and the deltas [N, A * 4, H, W], two lists."""
        if paddle.in_dynamic_mode():
            check_sides("RetinaNet", image.shape[2:], self.size_multiple)
        return super().predict(image)
