"""Samplers that move a population: candidates as points of the cube [-1, 1]^D, in rounds of `popsize` trials.

D is the number of dimensions.  A range is mapped linearly, or in the logarithm, to [-1, 1]; choices and integers to
equally spaced points of it.  The point and the round of a trial are kept in the study, under the number of the trial,
so that several workers share one population and a stopped search resumes.
"""

import itertools
import json
import math

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection

from common.search.study import COUNTED, first_number, outcome, position_of

NOT_COUNTED = ("surplus", "interrupted")
PREFIX = "member_"  # of the attributes of the study that hold states
ATTEMPTS = 32  # proposals before a random candidate


class PopulationSampler(BaseSampler):
    """Base class of the samplers of :mod:`common.search.cma` and :mod:`common.search.swarm`.

    Args:
        distributions (dict): name -> distribution of Optuna.
        seed (int): random seed.
        popsize (int): trials of a round.
        start (dict | None): name -> token, the point to start from; None for no such point.
    """

    def __init__(self, distributions, seed=0, popsize=5, start=None):
        self.distributions, self.seed, self.popsize = dict(distributions), seed, popsize
        self.start = None if start is None else self.point(start)
        self.random = RandomSampler(seed)
        self.read = {}

    def infer_relative_search_space(self, study, trial):
        """All dimensions, which are sampled jointly."""
        return self.distributions

    def sample_relative(self, study, trial, search_space):
        """The next candidate: name -> token as Optuna stores it; a random one where no proposal is new."""
        key = key_of(first_number(trial))
        known = self.states(study)
        if key in known:
            return known[key][1]
        others = [t.params for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        seen = {self.identity(params) for params in others}
        proposals = itertools.islice(self.proposals(study, trial), ATTEMPTS)
        state = next((s for s in proposals if self.identity(self.tokens(s["point"])) not in seen), None)
        if state is None:
            point = self.generator(trial.number, 1).uniform(-1, 1, len(self.distributions))
            state = {"point": point.tolist(), "round": -1, "member": -1}
        study.set_user_attr(key, json.dumps(state))
        return self.tokens(state["point"])

    def states(self, study):
        """The states of all trials: attribute -> (state, its candidate)."""
        for key, text in study.user_attrs.items():
            if key.startswith(PREFIX) and key not in self.read:
                state = json.loads(text)
                self.read[key] = state, self.tokens(state["point"])
        return self.read

    def sample_independent(self, study, trial, param_name, param_distribution):
        """A random value of a dimension outside the joint space."""
        return self.random.sample_independent(study, trial, param_name, param_distribution)

    def proposals(self, study, trial):
        """Yields states of a new trial: dicts that JSON can hold, with the `point` (list of D numbers in [-1, 1])."""
        raise NotImplementedError

    def place_of(self, study, trial):
        """(round, member) of a new trial, both from 0; a candidate drawn again takes the place of the refused one."""
        return divmod(position_of(study, trial.number), self.popsize)

    def finished(self, study):
        """The states of the trials that have ended, in order of completion.

        Returns:
            list[tuple[FrozenTrial, dict, float | None]]: the trial, its state, and its loss, which is the score where a
            lower one is better and minus the score elsewhere; None for failed trials.  A repeated candidate has the
            loss of the first.
        """
        sign = -1 if study.direction == StudyDirection.MAXIMIZE else 1
        trials = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
        losses = {self.identity(t.params): sign * t.value for t in trials if t.value is not None}
        states, found = self.states(study), []
        for trial in sorted(trials, key=lambda t: (t.datetime_complete, t.number)):
            state, candidate = states.get(key_of(first_number(trial)), (None, None))
            if state is not None and outcome(trial) not in NOT_COUNTED and candidate == trial.params:
                found.append((trial, state, losses.get(self.identity(trial.params))))
        return found

    def identity(self, params):
        """The identity of a candidate."""
        return tuple(params.get(name) for name in self.distributions)

    def point(self, tokens):
        """The point of a candidate (ndarray [D])."""
        return np.array([to_unit(distribution, tokens[name]) for name, distribution in self.distributions.items()])

    def tokens(self, point):
        """The candidate nearest to a point: name -> token."""
        return {name: from_unit(d, at) for (name, d), at in zip(self.distributions.items(), point, strict=True)}

    def steps(self):
        """The distance between neighboring values of each dimension (ndarray [D]), 0 for real numbers."""
        return np.array([step_of(distribution) for distribution in self.distributions.values()])

    def generator(self, *numbers):
        """Random numbers that depend on the seed and these numbers, of a trial, alone."""
        return np.random.default_rng([self.seed, *numbers])


def key_of(number):
    """The attribute of the study that holds the state of a trial."""
    return f"{PREFIX}{number:05d}"


def counts_in_rounds(trial):
    """True for a trial that fills a place of its round."""
    return outcome(trial) in COUNTED


def to_unit(distribution, token):
    """The coordinate in [-1, 1] of a token of a distribution."""
    low, high, log = ends_of(distribution)
    if isinstance(distribution, CategoricalDistribution):
        token = distribution.choices.index(token)
    scale = math.log if log else float
    return 2 * (scale(token) - scale(low)) / (scale(high) - scale(low)) - 1 if high > low else 0.0


def from_unit(distribution, coordinate):
    """The token of a distribution that is nearest to a coordinate, which is cut to [-1, 1]."""
    low, high, log = ends_of(distribution)
    share = (min(max(float(coordinate), -1.0), 1.0) + 1) / 2
    scale, back = (math.log, math.exp) if log else (float, float)
    number = min(max(back(scale(low) + share * (scale(high) - scale(low))), low), high)
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[math.floor(number + 0.5)]
    return math.floor(number + 0.5) if isinstance(low, int) else number


def step_of(distribution):
    """The distance of neighboring values in [-1, 1]; 0 for real numbers, and for integers on a logarithmic scale."""
    low, high, log = ends_of(distribution)
    return 2 / (high - low) if isinstance(low, int) and not log and high > low else 0.0


def ends_of(distribution):
    """(low, high, logarithmic) of a distribution; those of choices are the first and the last index."""
    if isinstance(distribution, CategoricalDistribution):
        return 0, len(distribution.choices) - 1, False
    return distribution.low, distribution.high, distribution.log
