"""SSD: Single Shot MultiBox Detector (https://arxiv.org/abs/1512.02325)."""

from .one_stage import OneStageDetector


class SSD(OneStageDetector):
    """A backbone, extra levels, and a head that scores prior boxes of fixed sizes.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (SSDExtras): features to features of more levels.
        head (SSDHead): features to logits and deltas.
        loss (MultiBoxLoss): of both.
        nms (Layer): boxes and scores to the rows of the detections.
    """
