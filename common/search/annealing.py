"""Simulated annealing (Kirkpatrick, Gelatt, Vecchi, Science 220, 1983) as a sampler of Optuna.

The study is the only state: the accepted candidates are recomputed from the completed trials in order of completion,
with random numbers that depend only on the seed and the trial number.  So any number of workers share one walk, and a
stopped walk resumes as if it had not been interrupted.
"""

import math

import numpy as np
from optuna.distributions import CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

ATTEMPTS = 32  # draws before one more token is mutated


def acceptance(score, current, temperature):
    """The acceptance probability of a candidate: 1 if it is better, else exp((r - r') / T).

    Args:
        score (float): r of the candidate, higher is better.
        current (float): r' of the current candidate.
        temperature (float): T, in the units of the score.
    """
    if score > current:
        return 1.0
    return math.exp((score - current) / temperature) if temperature > 0 else 0.0


def temperature_after(steps, initial, rate):
    """T after `steps` candidates: initial * rate^steps."""
    return initial * rate**steps


class AnnealingSampler(BaseSampler):
    """Mutates a few tokens of the current candidate; the first candidates are random.

    Args:
        distributions (dict): name -> distribution of Optuna.
        seed (int): random seed.
        init_temperature (float | None): initial temperature; None for the standard deviation of the first scores.
        reduce_rate (float): factor of the temperature after each candidate.
        changes (int): number of tokens to mutate.
        starts (int): random candidates; the walk starts from the best of them.
    """

    def __init__(self, distributions, seed=0, init_temperature=None, reduce_rate=0.85, changes=1, starts=5):
        self.distributions, self.seed = dict(distributions), seed
        self.init_temperature, self.reduce_rate = init_temperature, reduce_rate
        self.changes, self.starts = changes, starts
        self.random = RandomSampler(seed)

    def infer_relative_search_space(self, study, trial):
        """All dimensions, which are sampled jointly."""
        return self.distributions

    def sample_relative(self, study, trial, search_space):
        """The next candidate: name -> token as Optuna stores it."""
        generator = np.random.default_rng([self.seed, trial.number])
        trials = study.get_trials(deepcopy=False)
        seen = {self.key(t.params) for t in trials if t.number != trial.number and len(t.params) == len(search_space)}
        current = self.current(study, trials)
        return self.unseen(current, seen, generator)

    def sample_independent(self, study, trial, param_name, param_distribution):
        """A random value of a dimension outside the joint space."""
        return self.random.sample_independent(study, trial, param_name, param_distribution)

    def key(self, params):
        """The identity of a candidate."""
        return tuple(params.get(name) for name in self.distributions)

    def current(self, study, trials):
        """The current candidate of the walk (dict); None before it has started."""
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        scored = [t for t in trials if t.state == TrialState.COMPLETE and len(t.params) == len(self.distributions)]
        scored.sort(key=lambda t: (t.datetime_complete, t.number))
        first, rest = scored[: self.starts], scored[self.starts :]
        if len(first) < self.starts:
            return None
        best = max(first, key=lambda t: (sign * t.value, -t.number))
        initial = self.init_temperature
        if initial is None:
            initial = float(np.std([t.value for t in first]))
        here, score = best.params, sign * best.value
        for step, offered in enumerate(rest):
            chance = acceptance(sign * offered.value, score, temperature_after(step, initial, self.reduce_rate))
            if np.random.default_rng([self.seed, offered.number, 1]).random() < chance:
                here, score = offered.params, sign * offered.value
        return here

    def unseen(self, current, seen, generator):
        """A new candidate near `current`, not in `seen`; mutates more tokens if the neighborhood is exhausted."""
        names = list(self.distributions)
        count = len(names) if current is None else min(self.changes, len(names))
        while True:
            for _ in range(ATTEMPTS):
                candidate = {} if current is None else dict(current)
                for index in generator.choice(len(names), count, replace=False):
                    name = names[index]
                    candidate[name] = draw_other(self.distributions[name], candidate.get(name), generator)
                if self.key(candidate) not in seen:
                    return candidate
            if count == len(names):
                return candidate
            count += 1


def draw_other(distribution, value, generator):
    """Draws a value other than `value` from a distribution; near it for real numbers."""
    if isinstance(distribution, CategoricalDistribution):
        values = [choice for choice in distribution.choices if choice != value]
        return values[generator.integers(len(values))] if values else value
    low, high = distribution.low, distribution.high
    if isinstance(low, int) and not distribution.log:
        count = high - low + (value is None)
        if count == 0:
            return value
        drawn = low + int(generator.integers(count))
        return drawn + 1 if value is not None and drawn >= value else drawn
    return draw_between(distribution, value, generator)


def draw_between(distribution, value, generator, spread=0.2):
    """Draws a number from a range: uniformly, or from a normal distribution around `value`, reflected at the ends."""
    scale, back = (math.log, math.exp) if distribution.log else (float, float)
    low, high = scale(distribution.low), scale(distribution.high)
    if value is None:
        place = generator.random()
    else:
        place = (scale(value) - low) / (high - low) + spread * generator.standard_normal()
        place = abs(place) % 2
        place = 2 - place if place > 1 else place
    number = min(max(back(low + place * (high - low)), distribution.low), distribution.high)
    return round(number) if isinstance(distribution.low, int) else number
