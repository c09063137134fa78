"""Importance criteria of filters: L1 norm, geometric median (FPGM), batch normalization scale.

Shapes in this file:
    n filters of d weights each.
"""

import numpy as np

from common.errors import ConfigError


def l1_norms(filters):
    """The L1 norm of each filter (https://arxiv.org/abs/1608.08710, section 3.1): [n, d] to [n]."""
    return np.abs(filters).sum(1)


def distance_sums(filters):
    """The sum of the Euclidean distances from each filter to all others: [n, d] to [n].

    A filter near the geometric median is the most replaceable one (FPGM, https://arxiv.org/abs/1811.00250, section 3.3,
    eq. 8).
    """
    filters = filters.astype(np.float64)
    squares = (filters**2).sum(1)
    squared = squares[:, None] + squares[None] - 2 * filters @ filters.T
    np.fill_diagonal(squared, 0.0)
    return np.sqrt(np.maximum(squared, 0.0)).sum(1)


def score_units(graph, arrays, groups, criterion):
    """The importance of each unit of a graph: {label: score}; 1 is the mean of its layer.

    A unit that several layers produce, such as at a residual addition, has the mean of their scores.

    Args:
        graph (ChannelGraph): of the model.
        arrays (dict[str, ndarray]): of the model, by structured name.
        groups (list[Group]): whose units are scored.
        criterion (str): l1, geometric_median or bn_scale.

    Raises:
        ConfigError: bn_scale, and no batch normalization follows a layer.
    """
    role = "scale" if criterion == "bn_scale" else "out"
    sums, counts = (np.zeros(len(graph.labels.parents)) for _ in range(2))
    for use in graph.uses:
        if use.role == role:
            found = np.moveaxis(arrays[use.name].astype(np.float64), use.axis, 0).reshape(len(use.labels), -1)
            scores = distance_sums(found) if criterion == "geometric_median" else l1_norms(found)
            np.add.at(sums, use.labels, scores / max(scores.mean(), 1e-12))
            np.add.at(counts, use.labels, 1)
    lacking = next((group.name for group in groups if (counts[group.units] == 0).any()), None)
    if lacking:
        raise ConfigError(f"criterion bn_scale: no batch normalization follows {lacking}; exclude it, or use l1")
    return {int(unit): sums[unit] / counts[unit] for group in groups for unit in group.units}
