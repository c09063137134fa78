"""PSHE2, the population search of PaddleHub's AutoDL Finetuner: a swarm with momentum and random moves.

Each of `popsize` individuals has a position x in [-1, 1]^D, a momentum m, and its best position p; the swarm has its
best position g.  In round r = 1, 2, ...

    m <- (1 - 3 alpha / r) m - alpha (x - p) - alpha (x - g)
    x <- x + alpha m

and then every coordinate moves towards an end by a random share: with u uniform in (-1, 1), x <- x + (1 - x) u epsilon
for u >= 0, else x <- x + (x + 1) u epsilon.  The momentum of an individual is its own; in PaddleHub all shared one.
"""

import numpy as np

from common.search.population import PopulationSampler, counts_in_rounds


def advance_individual(position, momentum, own_best, swarm_best, number, alpha):
    """One step of an individual, without the random move.

    Args:
        position (ndarray): x, [D] in [-1, 1].
        momentum (ndarray): m, [D].
        own_best (ndarray): p, [D].
        swarm_best (ndarray): g, [D].
        number (int): r, from 1.
        alpha (float): step size.

    Returns:
        tuple[ndarray, ndarray]: x and m after the step; x is cut to [-1, 1].
    """
    momentum = (1 - 3 * alpha / number) * momentum - alpha * (position - own_best) - alpha * (position - swarm_best)
    return np.clip(position + alpha * momentum, -1, 1), momentum


def move_at_random(position, draws, epsilon):
    """Moves every coordinate towards an end of [-1, 1] by a share of the distance.

    Args:
        position (ndarray): x, [D].
        draws (ndarray): u, [D] in (-1, 1): the end and the share.
        epsilon (float): most of the share.
    """
    return position + np.where(draws >= 0, 1 - position, position + 1) * draws * epsilon


class SwarmSampler(PopulationSampler):
    """Moves the individuals of the swarm in turn.

    Args:
        distributions (dict): name -> distribution of Optuna.
        seed (int): random seed.
        popsize (int): individuals.
        start (dict | None): name -> token: the first individual starts there, the others around it; None for anywhere.
        alpha (float): step size.
        epsilon (float): most of a random move, as a share of the distance to the end.
    """

    def __init__(self, distributions, seed=0, popsize=5, start=None, alpha=0.5, epsilon=0.2):
        super().__init__(distributions, seed, popsize, start)
        self.alpha, self.epsilon = alpha, epsilon

    def proposals(self, study, trial):
        """Steps: the `point` of the candidate, its `momentum`, its `member` of the swarm and its `round`."""
        at, member = self.place_of(study, trial)
        generator, count = self.generator(trial.number), len(self.distributions)
        ended = self.finished(study)
        own = [(state, loss) for t, state, loss in ended if state["member"] == member and counts_in_rounds(t)]
        earlier = [(state, loss) for t, state, loss in ended if state["round"] < at]
        middle, momentum, epsilon = np.zeros(count) if self.start is None else self.start, np.zeros(count), 1.0
        if own:
            position, momentum = (np.array(own[-1][0][name]) for name in ("point", "momentum"))
            own_best, swarm_best = best_point(own, position), best_point(earlier or own, position)
            middle, momentum = advance_individual(position, momentum, own_best, swarm_best, at or 1, self.alpha)
            epsilon = self.epsilon
        elif self.start is not None and member == at == 0:
            epsilon = 0.0
        while True:
            point = move_at_random(middle, generator.uniform(-1, 1, count), epsilon)
            yield {"round": at, "member": member, "point": point.tolist(), "momentum": momentum.tolist()}


def best_point(states, otherwise):
    """The point of the lowest loss among (state, loss); `otherwise` where all have failed."""
    scored = [(loss, index) for index, (_, loss) in enumerate(states) if loss is not None]
    return np.array(states[min(scored)[1]][0]["point"]) if scored else otherwise
