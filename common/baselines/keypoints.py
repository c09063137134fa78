"""The baseline of keypoints: the mean pose.

Shapes in this file:
    N crops of D channels and H x W pixels, K keypoints.
"""

import numpy as np

from .baseline import Baseline


class MeanPose(Baseline):
    """The mean place of each keypoint in the crops where it is labeled, and how often it is as the score.

    Args:
        num_classes (int): K.
    """

    title = "mean pose"

    def __init__(self, num_classes):
        self.sum, self.count, self.total = np.zeros((num_classes, 2)), np.zeros(num_classes), 0
        self.place = None

    def see(self, batch):
        """Adds the labeled keypoints [N, 1, K, 3] of crops, in parts of their width and height."""
        points = np.asarray(batch["keypoints"], np.float64)[:, 0]
        labeled = points[:, :, 2] > 0
        height, width = batch["image"].shape[2:]
        self.sum += np.where(labeled[:, :, None], points[:, :, :2] / [width, height], 0).sum(0)
        self.count += labeled.sum(0)
        self.total += len(points)

    def fit(self):
        """Computes the means; a keypoint that is never labeled is in the middle."""
        known = self.count[:, None] > 0
        self.place = np.where(known, self.sum / np.maximum(self.count, 1)[:, None], 0.5)

    def predict(self, batch):
        """`keypoints` float64 [N, K, 3] in pixels of the original images."""
        crop = np.asarray(batch["crop"], np.float64)[:, None]
        places = crop[:, :, :2] + self.place * (crop[:, :, 2:] - crop[:, :, :2])
        score = np.broadcast_to((self.count / max(self.total, 1))[:, None], (*places.shape[:2], 1))
        return {"keypoints": np.concatenate([places, score], axis=2)}
