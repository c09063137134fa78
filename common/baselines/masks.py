"""Baselines of semantic segmentation: the most frequent class at each place, and Otsu's threshold of two classes.

Shapes in this file:
    N images of D channels and H x W pixels, C classes, G x G cells that divide an image.
"""

import numpy as np

from .baseline import Baseline

GRID = 48
IGNORED = 255


class FrequentClass(Baseline):
    """The most frequent class in each of 48 x 48 cells of the training images, whatever the image shows.

    Args:
        num_classes (int): C.
    """

    title = f"most frequent class at each place, {GRID} x {GRID} cells"

    def __init__(self, num_classes):
        self.counts = np.zeros((GRID * GRID, num_classes), np.int64)

    def see(self, batch):
        """Counts the classes of each cell in masks [N, H, W]."""
        for mask in np.asarray(batch["mask"]):
            cells, known = cells_of(*mask.shape), mask != IGNORED
            kinds = cells[known] * self.counts.shape[1] + mask[known]
            self.counts += np.bincount(kinds, minlength=self.counts.size).reshape(self.counts.shape)

    def fit(self):
        """Takes the class of each cell; where no pixel counted, the most frequent one of all."""
        self.best = np.where(self.counts.any(1), self.counts.argmax(1), self.counts.sum(0).argmax())

    def predict(self, batch):
        """`label_map` int [N, H, W]."""
        found = self.best[cells_of(*batch["image"].shape[2:])]
        return {"label_map": np.broadcast_to(found, (len(batch["image"]), *found.shape))}


class OtsuThreshold(Baseline):
    """Two classes, divided by Otsu's threshold of each image's brightness.

    The brighter class is the one that is brighter in the training images.

    Args:
        num_classes (int): C, 2.
    """

    title = "Otsu's threshold of the brightness"

    def __init__(self, num_classes):
        self.right = np.zeros(2, np.int64)  # pixels, if the brighter class is 0, and if it is 1

    def see(self, batch):
        """Counts the pixels that are right for either order of the classes."""
        for image, mask in zip(np.asarray(batch["image"]), np.asarray(batch["mask"])):
            bright, known = is_bright(image), mask != IGNORED
            self.right += [(bright != mask)[known].sum(), (bright == mask)[known].sum()]

    def predict(self, batch):
        """`label_map` int [N, H, W]."""
        bright = np.stack([is_bright(image) for image in np.asarray(batch["image"])])
        return {"label_map": bright if self.right.argmax() else 1 - bright}


def cells_of(height, width):
    """The number of the cell that each pixel lies in, int [H, W]."""
    rows, columns = (np.arange(side) * GRID // side for side in (height, width))
    return rows[:, None] * GRID + columns


def is_bright(image):
    """1 where an image [D, H, W] is brighter than Otsu's threshold of the mean of its channels, uint8 [H, W]."""
    import cv2

    gray = np.asarray(image, np.float32).mean(0)
    gray = cv2.normalize(gray, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return cv2.threshold(gray, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
