"""Quantile buckets of numeric columns: each number as a category of its own, beside its scaled value.

Shapes in this file:
    N rows, D numeric columns, B buckets.
"""

import numpy as np

MOST = 1 << 17  # rows of the sample that quantiles are computed from


class QuantileSample:
    """A sample of the rows of a stream in bounded memory: every row, then every second, fourth, ... one.

    Args:
        most (int): maximum number of rows.
    """

    def __init__(self, most=MOST):
        self.most, self.step, self.seen, self.kept = most, 1, 0, []

    def add(self, values):
        """Adds rows, float64 [N, D], NaN for missing values."""
        first = -self.seen % self.step
        self.seen += len(values)
        self.kept.append(values[first :: self.step])
        while sum(map(len, self.kept)) > self.most:
            self.kept = [np.concatenate(self.kept)[::2]]
            self.step *= 2

    def edges(self, buckets):
        """The edges between the buckets of each column, float64 [D, B - 1], see :func:`bucket_edges`."""
        values = np.concatenate(self.kept)
        return np.stack([bucket_edges(column[~np.isnan(column)], buckets) for column in values.T])


def bucket_edges(values, buckets):
    """The edges between the buckets of a column, float64 [B - 1]; infinite ones are not needed.

    A value that would fill a bucket, such as the zeros of most rows, has one alone; the others share the rest equally.
    """
    found, counts = np.unique(values, return_counts=True)
    often = np.argsort(-counts, kind="stable")[: (buckets - 1) // 2]
    frequent = found[often][counts[often] * buckets > len(values)]
    rest = values[~np.isin(values, frequent)]
    own = [*frequent, *np.nextafter(frequent, np.inf)]
    shares = np.linspace(0, 1, buckets - len(own) + 1)[1:-1]
    edges = np.unique([*own, *(np.quantile(rest, shares) if len(rest) else [])])
    return np.concatenate([edges, np.full(buckets - 1 - len(edges), np.inf)])


def bucket_numbers(values, edges):
    """The bucket of each number, int64 [N, D] from 1 to B; 0 for missing ones.

    Args:
        values (ndarray): float64 [N, D], NaN for missing values.
        edges (ndarray): float64 [D, B - 1], ascending; a value on an edge is in the upper bucket.
    """
    places = [np.searchsorted(row, column, side="right") + 1 for row, column in zip(edges, values.T)]
    return np.where(np.isnan(values), 0, np.stack(places, 1)).astype(np.int64)
