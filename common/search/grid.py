"""Grid search: a range becomes a list of equally spaced values, and every candidate is drawn once, in order."""

import itertools
import math

import numpy as np
from optuna.samplers import BaseSampler, RandomSampler

from common.search.space import Choice, size


class GridSpace:
    """A space whose dimensions are choices.

    Args:
        space (object): with `dimensions` and `overrides`.
        points (int): values of a range, its ends included.
    """

    def __init__(self, space, points):
        self.dimensions = [
            d if isinstance(d, Choice) else Choice(d.name, grid_values(d, points)) for d in space.dimensions
        ]
        self.overrides = space.overrides

    @property
    def size(self):
        """The number of candidates (int)."""
        return int(size(self.dimensions))


def grid_values(dimension, count):
    """Equally spaced values of a range on its scale (tuple), its ends included; fewer where integers coincide."""
    low, high = (math.log(end) if dimension.log else end for end in (dimension.low, dimension.high))
    values = np.linspace(low, high, count)
    values = np.exp(values) if dimension.log else values
    tokens = (round(float(value)) if dimension.whole else float(value) for value in values)
    return tuple(dict.fromkeys(dimension.value(min(max(t, dimension.low), dimension.high)) for t in tokens))


class GridSampler(BaseSampler):
    """Draws the first candidate that no other trial has, the last dimension varying first.

    Args:
        distributions (dict): name -> distribution of Optuna, all of them choices.
    """

    def __init__(self, distributions):
        self.distributions, self.random = dict(distributions), RandomSampler(0)

    def infer_relative_search_space(self, study, trial):
        """All dimensions, which are sampled jointly."""
        return self.distributions

    def sample_relative(self, study, trial, search_space):
        """The next candidate; the last one once all have been drawn."""
        seen = {tuple(t.params.get(name) for name in self.distributions) for t in study.get_trials(deepcopy=False)}
        candidate = ()
        for candidate in itertools.product(*map(indices_of, self.distributions.values())):
            if candidate not in seen:
                break
        return dict(zip(self.distributions, candidate, strict=True))

    def sample_independent(self, study, trial, param_name, param_distribution):
        """A random value of a dimension outside the joint space."""
        return self.random.sample_independent(study, trial, param_name, param_distribution)


def indices_of(distribution):
    """The indices of the values of a choice (range or tuple)."""
    return range(distribution.low, distribution.high + 1) if hasattr(distribution, "low") else distribution.choices
