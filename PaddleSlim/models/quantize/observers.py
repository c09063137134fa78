"""What range of a tensor is worth telling apart: observers see a tensor in batch after batch, then give its ends.

Each finds a threshold T of |x|; the range is [-T, T], cut to what was really seen, so that a tensor behind a ReLU uses
all of its 256 levels for positive numbers.  Sources: KL divergence, S. Migacz, "8-bit inference with TensorRT", GTC
2017; the others, https://arxiv.org/abs/2004.09602, section 5.

Shapes in this file:
    B bins of equal width from -R to R.
"""

import numpy as np

from common.errors import Diverged

from .fake_quantize import LEVELS, grid

HALF = 2048  # bins on either side of 0
CANDIDATES = 100  # thresholds that are tried for the least squared error


class Observer:
    """Remembers the extremes of what it saw, and how its numbers are distributed.

    Args:
        percentile (float): of |x| that stays inside, in percent, for `percentile`.
        momentum (float): share of the past in a moving average, for `moving_average`.
    """

    def __init__(self, percentile=99.99, momentum=0.9):
        self.percentile, self.momentum = percentile, momentum
        self.low = self.high = self.average = 0.0
        self.reach, self.counts = 0.0, np.zeros(2 * HALF)
        self.batches = 0

    def update(self, values):
        """Takes the numbers of one more batch, float32 of any shape."""
        values = np.asarray(values, np.float32).ravel()
        if not np.isfinite(values).all():
            raise Diverged("slim: a tensor to be quantised has numbers that are not finite: the weights have diverged")
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
        """Doubles the reach of the bins, two of them becoming one, until `furthest` is inside."""
        if not self.reach:
            self.reach = furthest
        while self.reach < furthest:
            pairs = self.counts.reshape(-1, 2).sum(1)  # [HALF]
            self.counts = np.concatenate([np.zeros(HALF // 2), pairs, np.zeros(HALF // 2)])
            self.reach *= 2

    def magnitudes(self):
        """How many numbers have each |x|, [HALF], from 0 to `reach`."""
        return self.counts[HALF:] + self.counts[HALF - 1 :: -1]

    def range(self, kind):
        """The ends (low, high) by a rule of THRESHOLDS; (0, 0) where only zeros were seen."""
        threshold = THRESHOLDS[kind](self) if self.reach else 0.0
        return max(self.low, -threshold), min(self.high, threshold)


def abs_max(seen):
    """The largest |x|."""
    return max(-seen.low, seen.high)


def moving_average(seen):
    """The moving average of the largest |x| of each batch."""
    return seen.average


def percentile(seen):
    """The |x| below which `percentile` of a hundred numbers are."""
    return percentile_of(seen.magnitudes(), seen.reach, seen.percentile)


def least_squares(seen):
    """That of the least squared error of what was seen."""
    centres = (np.arange(2 * HALF) + 0.5) / HALF * seen.reach - seen.reach
    candidates = abs_max(seen) * np.arange(1, CANDIDATES + 1) / CANDIDATES
    errors = [squared_error(seen.counts, centres, max(seen.low, -t), min(seen.high, t)) for t in candidates]
    return float(candidates[int(np.argmin(errors))])


def least_divergence(seen):
    """That which loses the least information of the distribution of |x|.

    The first bin counts as many as the second: behind a ReLU it holds zeros, which every grid has, and which would
    outweigh all the rest.
    """
    counts = seen.magnitudes()
    counts[0] = counts[1]
    positive = max(2, round(LEVELS * abs_max(seen) / (seen.high - seen.low)))  # levels on the longer side of 0
    return least_divergence_of(counts, seen.reach, positive)


THRESHOLDS = {
    "abs_max": abs_max,
    "moving_average": moving_average,
    "percentile": percentile,
    "kl": least_divergence,
    "mse": least_squares,
}


def percentile_of(counts, reach, percent):
    """The upper edge of the first bin with which at least `percent` of all are covered.

    Args:
        counts (ndarray): [B], of bins of equal width from 0 to `reach`.
        reach (float): of the bins.
        percent (float): 0 to 100.
    """
    covered = np.cumsum(counts)
    enough = int(np.searchsorted(covered, percent / 100 * covered[-1] * (1 - 1e-12)))
    return float(reach * (min(enough, len(counts) - 1) + 1) / len(counts))


def squared_error(counts, centres, low, high):
    """The squared error that the grid from `low` to `high` makes of numbers at `centres`, each `counts` times."""
    scale, lowest = grid(low, high)
    kept = np.clip(np.rint(centres / scale), lowest, lowest + LEVELS - 1) * scale
    return float((counts * (centres - kept) ** 2).sum())


def divergence(counts, kept, levels):
    """The Kullback-Leibler divergence of what a threshold after `kept` bins leaves, from what `levels` levels tell.

    P is the first `kept` counts, all beyond added to the last of them.  Q spreads the count of each level evenly over
    those of its bins that are not empty.

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
    """The threshold whose :func:`divergence` is the least.

    Args:
        counts (ndarray): [B], of bins of equal width from 0 to `reach`.
        reach (float): of the bins.
        levels (int): to tell the numbers below the threshold apart.
    """
    choices = range(min(levels, len(counts)), len(counts) + 1)
    found = [divergence(counts, kept, min(levels, kept)) for kept in choices]
    return float(reach * choices[int(np.argmin(found))] / len(counts))
