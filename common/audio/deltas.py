"""Derivatives of features over time (Furui 1986), as computed by Kaldi's `add-deltas`.

Shapes in this file:
    T frames of F features.
"""

import numpy as np

from common.data.transform import Transform


class AddDeltas(Transform):
    """Appends the derivatives of `features` [T, F] to them: float32 [T, (order + 1) F].

    The derivative of a frame is the slope of a regression line over the frames around it; the first and the last
    frame stand for those outside of the utterance.

    Args:
        order (int): 1 for velocity, 2 for acceleration too.
        window (int): frames on each side of the regression.
    """

    alike = True

    def __init__(self, order=2, window=2):
        if order < 1 or window < 1:
            raise ValueError(f"order is {order}, window {window}; both are at least 1")
        self.order, self.window = order, window
        slope = np.arange(-window, window + 1) / (2.0 * (np.arange(1, window + 1) ** 2).sum())
        self.filters = [np.ones(1)]
        for _ in range(order):
            self.filters.append(np.convolve(self.filters[-1], slope))

    def __call__(self, sample, rng):
        features = sample["features"].astype(np.float64)
        found = []
        for taps in self.filters:
            side = len(taps) // 2
            padded = np.pad(features, ((side, side), (0, 0)), mode="edge")
            found.append(sum(tap * padded[k : k + len(features)] for k, tap in enumerate(taps)))
        sample["features"] = np.concatenate(found, 1).astype(np.float32)
        return sample
