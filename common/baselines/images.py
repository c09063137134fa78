"""Baselines of images: nearest centroid, logistic regression and nearest neighbors on 16 x 16 pixels.

Shapes in this file:
    N images of H x W pixels with D channels, C classes.
"""

import numpy as np

from .baseline import Baseline, LabeledBaseline, sklearn

SIDE = 16


class PixelRegression(LabeledBaseline):
    """Logistic regression on the standardized pixels of small images."""

    title = f"logistic regression, {SIDE} x {SIDE} pixels"

    def features(self, batch):
        """Small images, float32 [N, 16 * 16 * D]."""
        return shrink_images(np.asarray(batch["image"]))

    def learn(self, features, labels):
        """Fits the regression, regularized by the number of pixels."""
        scaler = sklearn("preprocessing").StandardScaler().fit(features)
        score = self.regression(scaler.transform(features), labels, C=0.01, max_iter=200)
        return lambda rows: score(scaler.transform(rows))


class NearestCentroid(PixelRegression):
    """The class whose mean image is nearest."""

    title = f"nearest mean image, {SIDE} x {SIDE} pixels"

    def learn(self, features, labels):
        """Computes the mean image of each class, or of its positive samples."""
        member = labels > 0.5 if labels.ndim == 2 else labels[:, None] == np.arange(self.num_classes)
        centers = (member.T @ features.astype(np.float64)) / np.maximum(member.sum(0), 1)[:, None]
        known = member.any(0)

        def scores(rows):
            distance = ((rows**2).sum(1)[:, None] - 2 * rows @ centers.T + (centers**2).sum(1)) / rows.shape[1]
            return np.where(known, 1 / (1 + np.maximum(distance, 0)), 0.0)

        return scores


class PixelNeighbor(Baseline):
    """The pixels of small images as embeddings, less their mean, so that inner products are correlations.

    Args:
        num_classes (int | None): not used; nothing is learned.
    """

    title = f"correlation of {SIDE} x {SIDE} pixels"

    def __init__(self, num_classes=None):
        pass

    def see(self, batch):
        """Ignores the training data."""

    def predict(self, batch):
        """`embedding` [N, 16 * 16 * D]."""
        pixels = shrink_images(np.asarray(batch["image"]))
        return {"embedding": pixels - pixels.mean(axis=1, keepdims=True)}


def shrink_images(images):
    """Images [N, D, H, W] averaged to float32 [N, 16 * 16 * D]."""
    import cv2

    small = [cv2.resize(i.transpose(1, 2, 0), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for i in images]
    return np.stack(small).reshape(len(images), -1).astype(np.float32)
