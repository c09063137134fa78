"""PyramidBox: a context-assisted single shot face detector (https://arxiv.org/abs/1803.07737)."""

from .one_stage import OneStageDetector


class PyramidBox(OneStageDetector):
    """A backbone, a low-level feature pyramid with context modules, and a head of faces and what is around them.

    Args:
        backbone (Layer): image to features, from the finest to the coarsest level.
        neck (LowLevelFPN): features to features of more levels.
        head (PyramidBoxHead): features to logits and deltas of face, head and body.
        loss (PyramidBoxLoss): of all of them.
        nms (Layer): boxes and scores of the faces to the rows of the detections.
    """
