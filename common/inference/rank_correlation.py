"""Correlations of predicted and given numbers: Pearson's, and with ranks Spearman's."""

import numpy as np


def ranks(values):
    """The ranks of values from 1, equal ones sharing the mean of theirs (float64 [N])."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def correlation(one, other):
    """Pearson's correlation of two arrays [N]; 0 where one does not vary."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
