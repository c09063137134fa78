"""Which filters matter least.

Shapes in this file:
    n filters of d numbers each.
"""

import numpy as np

from common.errors import ConfigError


def l1_norms(filters):
    """The sum of the absolute values of each filter (https://arxiv.org/abs/1608.08710, section 3.1): [n, d] to [n]."""
    return np.abs(filters).sum(1)


def distances_from_others(filters):
    """The sum of the Euclidean distances from each filter to all others: [n, d] to [n].

    The filter nearest to the geometric median is the one that the others replace best
    (https://arxiv.org/abs/1811.00250, section 3.3, eq. 8).
    """
    filters = filters.astype(np.float64)
    squares = (filters**2).sum(1)
    squared = squares[:, None] + squares[None] - 2 * filters @ filters.T
    np.fill_diagonal(squared, 0.0)
    return np.sqrt(np.maximum(squared, 0.0)).sum(1)


def score_units(graph, arrays, groups, criterion):
    """How much each unit of a graph matters: {label: number}; 1 is the mean of its layer.

    A unit that several layers make, as where residual branches meet, has the mean of their scores.

    Args:
        graph (ChannelGraph): of the model.
        arrays (dict[str, ndarray]): of the model, by structured name.
        groups (list[Group]): whose units are asked for.
        criterion (str): l1, geometric_median or bn_scale.

    Raises:
        ConfigError: bn_scale, and channels that no batch normalisation scales.
    """
    role = "scale" if criterion == "bn_scale" else "out"
    sums, counts = (np.zeros(len(graph.labels.parents)) for _ in range(2))
    for use in graph.uses:
        if use.role == role:
            found = np.moveaxis(arrays[use.name].astype(np.float64), use.axis, 0).reshape(len(use.labels), -1)
            scores = distances_from_others(found) if criterion == "geometric_median" else l1_norms(found)
            np.add.at(sums, use.labels, scores / max(scores.mean(), 1e-12))
            np.add.at(counts, use.labels, 1)
    lacking = next((group.name for group in groups if (counts[group.units] == 0).any()), None)
    if lacking:
        raise ConfigError(f"criterion bn_scale: no batch normalisation follows {lacking}; exclude it, or take l1")
    return {int(unit): sums[unit] / counts[unit] for group in groups for unit in group.units}
