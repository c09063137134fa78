"""Small classifiers and batches, shared by the tests of several classifiers."""

import numpy as np
import paddle

from PaddleCV.models.classifiers.image_classifier import ImageClassifier
from PaddleCV.models.heads.classifier_head import ClassifierHead
from PaddleCV.models.losses.classification_losses import CrossEntropy

CLASSES = 5


def classifier(backbone, make_head=ClassifierHead, **keys):
    """A classifier of 5 classes.

    Args:
        backbone (Layer): with `out_channels`.
        make_head (type): of the head.
        keys: of the head.
    """
    paddle.seed(0)
    return ImageClassifier(backbone, make_head(backbone.out_channels, CLASSES, **keys), CrossEntropy(0.1))


def batch(size=64, images=3):
    """Images of noise and their classes."""
    rng = np.random.default_rng(1)
    image = rng.normal(size=(images, 3, size, size)).astype("float32")
    return {"image": image, "label": rng.integers(0, CLASSES, images)}
