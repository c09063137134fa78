"""Small segmentors and batches, shared by the tests of several heads."""

import numpy as np

from PaddleCV.models.losses.segmentation_losses import PixelCrossEntropy
from PaddleCV.models.segmentors.segmentor import Segmentor

CLASSES = 3


def segmentor(backbone, head, **keys):
    """A segmentor of 3 classes; `keys` are those of :class:`Segmentor`."""
    return Segmentor(backbone, head, PixelCrossEntropy(), **keys)


def masks(size=32, images=2):
    """Images of noise and masks of three classes, some pixels of which are ignored."""
    rng = np.random.default_rng(1)
    mask = rng.integers(0, CLASSES, (images, size, size)).astype("uint8")
    mask[:, :2] = 255
    return {"image": rng.normal(size=(images, 3, size, size)).astype("float32"), "mask": mask}
