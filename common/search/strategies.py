"""Search strategies, the `type` of the section `search:`.

search:
  type: TPE
  trials: 20
  space:
    optimizer.lr.base: [1e-4, 1e-1, log]
    train.batch_size: [32, 64, 128]
"""

import importlib.util

import numpy as np
import optuna

from common.errors import EnvironmentProblem
from common.search.annealing import AnnealingSampler
from common.search.cma import CMASampler
from common.search.grid import GridSampler, GridSpace
from common.search.space import Choice
from common.search.swarm import SwarmSampler

LIMITS = ("macs", "parameters", "latency_ms")


class Strategy:
    """Base class of strategies: the search space, the number of trials, the score, and cost limits.

    Args:
        space (dict): dotted keys -> `[low, high, linear|log|int|log_int]` or a list of values, or a node of an
            architecture search space.
        trials (int): number of candidates to train.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        limits (dict | None): cost limits of candidates: `macs` (of one sample), `parameters`, `latency_ms` (of one
            sample in memory); candidates above a limit are rejected without training.
        redraws (int): consecutive rejected candidates before the search gives up.
    """

    def __init__(self, space, trials=20, metric=None, limits=None, redraws=500):
        if trials < 1 or redraws < 1:
            raise ValueError(f"trials is {trials} and redraws {redraws}; both are 1 or more")
        for name, most in (limits or {}).items():
            if name not in LIMITS or isinstance(most, bool) or not isinstance(most, int | float) or not most > 0:
                raise ValueError(f"limits has {name}: {most!r}; it takes {', '.join(LIMITS)}, each a number above 0")
        self.space, self.trials, self.metric = space, trials, metric
        self.limits, self.redraws = dict(limits or {}), redraws

    def sampler(self, seed, stream=(0, 0)):
        """The Optuna sampler that draws candidates.

        Args:
            seed (int): of the search.
            stream (tuple[int, ...]): numbers of the worker and of its start, so that random streams differ.
        """
        raise NotImplementedError

    @property
    def distributions(self):
        """The Optuna distributions of all dimensions: name -> distribution."""
        return {dimension.name: distribution_of(dimension) for dimension in self.space.dimensions}


class RandomSearch(Strategy):
    """Random search without repetition (Bergstra and Bengio, JMLR 13, 2012)."""

    def sampler(self, seed, stream=(0, 0)):
        """Optuna's random sampler."""
        return optuna.samplers.RandomSampler(mix_seed(seed, stream))


class TPE(Strategy):
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), by Optuna."""

    def sampler(self, seed, stream=(0, 0)):
        """Optuna's TPE sampler with constant liar: running candidates of other workers count as bad ones."""
        return optuna.samplers.TPESampler(seed=mix_seed(seed, stream))


class SimulatedAnnealing(Strategy):
    """Simulated annealing: mutates a few tokens, and accepts worse candidates ever less often (Science 220, 1983).

    Args:
        space (dict): see :class:`Strategy`.
        trials (int): number of candidates to train.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        limits (dict | None): cost limits of candidates: `macs`, `parameters`, `latency_ms`.
        redraws (int): consecutive rejected candidates before the search gives up.
        init_temperature (float | None): in units of the score; None for the standard deviation of the first scores.
        reduce_rate (float): factor of the temperature after each candidate.
        changes (int): number of tokens to mutate.
        starts (int): random candidates before the walk starts.
    """

    def __init__(
        self,
        space,
        trials=20,
        metric=None,
        limits=None,
        redraws=500,
        init_temperature=None,
        reduce_rate=0.85,
        changes=1,
        starts=5,
    ):
        super().__init__(space, trials, metric, limits, redraws)
        if not 0 < reduce_rate <= 1 or changes < 1 or starts < 1 or (init_temperature or 1) <= 0:
            raise ValueError(
                f"init_temperature is {init_temperature}, reduce_rate {reduce_rate}, changes {changes}, starts {starts}"
                "; a temperature is above 0, reduce_rate above 0 and at most 1, the others 1 or more"
            )
        self.init_temperature, self.reduce_rate = init_temperature, reduce_rate
        self.changes, self.starts = changes, starts

    def sampler(self, seed, stream=(0, 0)):
        """The sampler of :mod:`common.search.annealing`; all workers share one walk."""
        return AnnealingSampler(
            self.distributions, seed, self.init_temperature, self.reduce_rate, self.changes, self.starts
        )


class GridSearch(Strategy):
    """Every candidate of a grid, in order.

    Args:
        space (dict): see :class:`Strategy`.
        trials (int | None): number of candidates to train; None for all.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        limits (dict | None): cost limits of candidates: `macs`, `parameters`, `latency_ms`.
        redraws (int): consecutive rejected candidates before the search gives up.
        points (int): values of a range, its ends included, equally spaced on its scale.
    """

    def __init__(self, space, trials=None, metric=None, limits=None, redraws=500, points=5):
        if points < 2:
            raise ValueError(f"points is {points}; allowed: 2 or more")
        space = GridSpace(space, points)
        super().__init__(space, space.size if trials is None else trials, metric, limits, redraws)

    def sampler(self, seed, stream=(0, 0)):
        """The sampler of :mod:`common.search.grid`."""
        return GridSampler(self.distributions)


class HAZero(Strategy):
    """CMA-ES (Hansen, arXiv:1604.00772), by the package `cmaes`.

    Args:
        space (dict): see :class:`Strategy`.
        trials (int): number of candidates to train.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        limits (dict | None): cost limits of candidates: `macs`, `parameters`, `latency_ms`.
        redraws (int): consecutive rejected candidates before the search gives up.
        popsize (int): trials after which the distribution moves.
        start (dict | None): dotted key -> value, the first mean, of every key of the space; None for the middle.
        sigma (float | None): first standard deviation, of dimensions that are 2 wide; None for 0.2, PaddleHub's, around
            a start, and 0.5 without one.
    """

    def __init__(self, space, trials=20, metric=None, limits=None, redraws=500, popsize=5, start=None, sigma=None):
        super().__init__(space, trials, metric, limits, redraws)
        self.popsize, self.start = popsize, tokens_of_start(self.space.dimensions, popsize, start)
        sigma = (0.5 if start is None else 0.2) if sigma is None else sigma
        if not 0 < sigma <= 2:
            raise ValueError(f"sigma is {sigma}; allowed: above 0, at most 2")
        if importlib.util.find_spec("cmaes") is None:
            raise EnvironmentProblem("HAZero needs the package cmaes: pip install cmaes")
        self.sigma = sigma

    def sampler(self, seed, stream=(0, 0)):
        """The sampler of :mod:`common.search.cma`; all workers share one distribution."""
        return CMASampler(self.distributions, seed, self.popsize, self.start, self.sigma)


class PSHE2(Strategy):
    """A swarm with momentum and random moves, as in PaddleHub; see :mod:`common.search.swarm`.

    Args:
        space (dict): see :class:`Strategy`.
        trials (int): number of candidates to train.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        limits (dict | None): cost limits of candidates: `macs`, `parameters`, `latency_ms`.
        redraws (int): consecutive rejected candidates before the search gives up.
        popsize (int): individuals; each trains one candidate a round.
        start (dict | None): dotted key -> value, around which individuals start, of every key of the space; None for
            anywhere.
        alpha (float): step size towards the best positions.
        epsilon (float): most of a random move, as a share of the distance to the end.
    """

    def __init__(
        self,
        space,
        trials=20,
        metric=None,
        limits=None,
        redraws=500,
        popsize=5,
        start=None,
        alpha=0.5,
        epsilon=0.2,
    ):
        super().__init__(space, trials, metric, limits, redraws)
        self.popsize, self.start = popsize, tokens_of_start(self.space.dimensions, popsize, start)
        if not 0 < alpha <= 1 or not 0 <= epsilon <= 1:
            raise ValueError(f"alpha is {alpha} and epsilon {epsilon}; allowed: 0 to 1, alpha above 0")
        self.alpha, self.epsilon = alpha, epsilon

    def sampler(self, seed, stream=(0, 0)):
        """The sampler of :mod:`common.search.swarm`; all workers share one swarm."""
        return SwarmSampler(self.distributions, seed, self.popsize, self.start, self.alpha, self.epsilon)


def tokens_of_start(dimensions, popsize, start):
    """The tokens of the values that a population starts from (dict), or None.

    Args:
        dimensions (list[Choice | Range]): of the space.
        popsize (int): trials of a round.
        start (dict | None): name -> value, of every dimension.

    Raises:
        ValueError: popsize is below 2, a name is missing or unknown, or a value is outside the space.
    """
    if popsize < 2:
        raise ValueError(f"popsize is {popsize}; allowed: 2 or more")
    if start is None:
        return None
    names = [dimension.name for dimension in dimensions]
    if sorted(start) != sorted(names):
        raise ValueError(
            f"start has {', '.join(start) or 'no keys'}; it takes the keys of the space: {', '.join(names)}"
        )
    return {dimension.name: dimension.token(start[dimension.name]) for dimension in dimensions}


def mix_seed(seed, stream):
    """Combines several numbers to one seed (int)."""
    return int(np.random.SeedSequence([seed, *stream]).generate_state(1)[0])


def distribution_of(dimension):
    """The Optuna distribution of a dimension's tokens: integer for ordered choices, categorical for others."""
    kinds = optuna.distributions
    if isinstance(dimension, Choice):
        last = len(dimension.values) - 1
        return kinds.IntDistribution(0, last) if dimension.ordered else kinds.CategoricalDistribution(range(last + 1))
    if dimension.whole:
        return kinds.IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def suggest(trial, name, distribution):
    """Draws the token of a dimension in a trial."""
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    draw = trial.suggest_int if isinstance(distribution, optuna.distributions.IntDistribution) else trial.suggest_float
    return draw(name, distribution.low, distribution.high, log=distribution.log)
