"""Observers: quantization ranges of activations from the values of several batches.

Each method finds a threshold T of |x|; the range is [-T, T], clipped to the observed values, so that a tensor after a
ReLU uses all of its 256 levels for positive numbers.  Sources: KL divergence, S. Migacz, "8-bit inference with
TensorRT", GTC 2017; the others, https://arxiv.org/abs/2004.09602, section 5.

Shapes in this file:
    B bins of equal width from -R to R.
"""

import numpy as np

from common.errors import Diverged

from .fake_quantize import LEVELS, grid

HALF = 2048  # bins on either side of 0
CANDIDATES = 100  # thresholds tried by mse


class Observer:
    """Accumulates the extremes and the histogram of a tensor.

    Args:
        percentile (float): of |x| inside the range, in percent, for `percentile`.
        momentum (float): decay of the moving average, for `moving_average`.
    """

    def __init__(self, percentile=99.99, momentum=0.9):
        self.percentile, self.momentum = percentile, momentum
        self.low = self.high = self.average = 0.0
        self.reach, self.counts = 0.0, np.zeros(2 * HALF)
        self.batches = 0

    def update(self, values):
        """Adds the values of a batch, float32 of any shape."""
        values = np.asarray(values, np.float32).ravel()
        if not np.isfinite(values).all():
            raise Diverged("slim: a tensor to be quantized has non-finite values: the weights have diverged")
        low, high = float(values.min(initial=0)), float(values.max(initial=0))
        self.low, self.high = min(self.low, low), max(self.high, high)
        furthest = max(-low, high)
        past = self.momentum if self.batches else 0.0
        self.average = past * self.average + (1 - past) * furthest
        self.batches += 1
        self.widen(furthest)
        if self.reach:
            self.counts += np.histogram(values, bins=2 * HALF, range=(-self.reach, self.reach))[0]

    def widen(self, furthest):
        """Doubles the range of the histogram, merging pairs of bins, until it includes `furthest`."""
        if not self.reach:
            self.reach = furthest
        while self.reach < furthest:
            pairs = self.counts.reshape(-1, 2).sum(1)  # [HALF]
            self.counts = np.concatenate([np.zeros(HALF // 2), pairs, np.zeros(HALF // 2)])
            self.reach *= 2

    def magnitudes(self):
        """The histogram of |x|, [HALF], from 0 to `reach`."""
        return self.counts[HALF:] + self.counts[HALF - 1 :: -1]

    def range(self, kind):
        """The range (low, high) by a method of THRESHOLDS; (0, 0) if only zeros were observed."""
        threshold = THRESHOLDS[kind](self) if self.reach else 0.0
        return max(self.low, -threshold), min(self.high, threshold)


def abs_max(observed):
    """The largest |x|."""
    return max(-observed.low, observed.high)


def moving_average(observed):
    """The moving average of the largest |x| of each batch."""
    return observed.average


def percentile(observed):
    """The percentile of |x|."""
    return percentile_of(observed.magnitudes(), observed.reach, observed.percentile)


def least_squares(observed):
    """The threshold of the least squared quantization error."""
    centers = (np.arange(2 * HALF) + 0.5) / HALF * observed.reach - observed.reach
    candidates = abs_max(observed) * np.arange(1, CANDIDATES + 1) / CANDIDATES
    errors = [squared_error(observed.counts, centers, max(observed.low, -t), min(observed.high, t)) for t in candidates]
    return float(candidates[int(np.argmin(errors))])


def least_divergence(observed):
    """The threshold of the least Kullback-Leibler divergence of |x|.

    The first bin is set to the second one: after a ReLU it holds the zeros, which every grid represents exactly, and
    which would outweigh all other bins.
    """
    counts = observed.magnitudes()
    counts[0] = counts[1]
    positive = max(
        2, round(LEVELS * abs_max(observed) / (observed.high - observed.low))
    )  # levels on the longer side of 0
    return least_divergence_of(counts, observed.reach, positive)


THRESHOLDS = {
    "abs_max": abs_max,
    "moving_average": moving_average,
    "percentile": percentile,
    "kl": least_divergence,
    "mse": least_squares,
}


def percentile_of(counts, reach, percent):
    """The upper edge of the first bin up to which at least `percent` of all values lie.

    Args:
        counts (ndarray): [B], of bins of equal width from 0 to `reach`.
        reach (float): upper end of the bins.
        percent (float): 0 to 100.
    """
    covered = np.cumsum(counts)
    enough = int(np.searchsorted(covered, percent / 100 * covered[-1] * (1 - 1e-12)))
    return float(reach * (min(enough, len(counts) - 1) + 1) / len(counts))


def squared_error(counts, centers, low, high):
    """The squared error of quantizing values at `centers` with weights `counts` to the grid from `low` to `high`."""
    scale, lowest = grid(low, high)
    kept = np.clip(np.rint(centers / scale), lowest, lowest + LEVELS - 1) * scale
    return float((counts * (centers - kept) ** 2).sum())


def divergence(counts, kept, levels):
    """The Kullback-Leibler divergence of the histogram clipped after `kept` bins from its quantization to `levels`.

    P is the first `kept` counts, with all outliers added to the last of them.  Q spreads the count of each level evenly
    over its non-empty bins.

    Args:
        counts (ndarray): [B].
        kept (int): bins below the threshold.
        levels (int): at most `kept`.
    """
    inside = counts[:kept]
    p = inside.astype(float)
    p[-1] += counts[kept:].sum()
    level = np.arange(kept) * levels // kept  # [kept]
    filled = inside > 0
    sums = np.bincount(level, inside, levels)
    members = np.bincount(level, filled, levels)
    q = np.where(filled, (sums / np.maximum(members, 1))[level], 0.0)
    if not p.sum() or not q.sum():
        return float("inf")
    p, q = p / p.sum(), q / q.sum()
    some = p > 0
    return float((p[some] * np.log(p[some] / np.maximum(q[some], 1e-12))).sum())


def least_divergence_of(counts, reach, levels):
    """The threshold with the least :func:`divergence`.

    Args:
        counts (ndarray): [B], of bins of equal width from 0 to `reach`.
        reach (float): upper end of the bins.
        levels (int): quantization levels below the threshold.
    """
    choices = range(min(levels, len(counts)), len(counts) + 1)
    found = [divergence(counts, kept, min(levels, kept)) for kept in choices]
    return float(reach * choices[int(np.argmin(found))] / len(counts))
