"""HAZero: CMA-ES (Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772) by the library `cmaes`.

The library's CMA-ES with margin (Hamano et al., GECCO 2022) keeps every choice and integer reachable when the
distribution narrows.  The distribution is recomputed from the completed trials, so the study is the only state.
"""

import numpy as np

from common.search.population import PopulationSampler

LEAST = 2  # dimensions the library takes; a space of one gets another that nothing reads


class CMASampler(PopulationSampler):
    """Draws candidates from the normal distribution of CMA-ES; failed candidates rank last in their round.

    Args:
        distributions (dict): name -> distribution of Optuna.
        seed (int): random seed.
        popsize (int): trials after which the distribution moves.
        start (dict | None): name -> token, the first mean; None for the middle of the space.
        sigma (float): first standard deviation, in the units of [-1, 1]; of choices and integers at least half the
            distance of neighbors.
    """

    def __init__(self, distributions, seed=0, popsize=5, start=None, sigma=0.5):
        super().__init__(distributions, seed, popsize, start)
        self.sigma = sigma
        self.optimizer, self.rounds = self.new_optimizer(), []

    def new_optimizer(self):
        """The optimizer before the first round."""
        import cmaes

        padding = np.zeros(max(0, LEAST - len(self.distributions)))
        mean = np.concatenate([np.zeros(len(self.distributions)) if self.start is None else self.start, padding])
        steps = np.concatenate([self.steps(), padding])
        with np.errstate(divide="ignore"):  # of rounds of two or three trials one parent is left
            return cmaes.CMAwM(
                mean=mean,
                sigma=self.sigma,
                bounds=np.array([[-1.0, 1.0]] * len(mean)),
                steps=steps,
                cov=np.diag(np.maximum(1.0, steps / (2 * self.sigma)) ** 2),
                seed=self.seed,
                population_size=self.popsize,
            )

    def proposals(self, study, trial):
        """Draws: the `point` of the candidate, the `raw` one for the optimizer's update, and its `round`."""
        self.update(study)
        self.optimizer.reseed_rng(int(self.generator(trial.number).integers(2**31)))
        while True:
            point, raw = self.optimizer.ask()
            yield {"round": len(self.rounds), "point": point[: len(self.distributions)].tolist(), "raw": raw.tolist()}

    def update(self, study):
        """Tells the optimizer all rounds that are complete; those it has already are left out."""
        waiting = {}
        for trial, state, loss in self.finished(study):
            if "raw" not in state:
                continue
            waiting.setdefault(state["round"], []).append((trial.number, np.array(state["raw"]), loss))
        rounds = []
        while len(waiting.get(len(rounds), ())) >= self.popsize:
            rounds.append(waiting[len(rounds)][: self.popsize])
        names = [[number for number, _, _ in members] for members in rounds]
        if names[: len(self.rounds)] != self.rounds:
            self.optimizer, self.rounds = self.new_optimizer(), []
        for members, numbers in zip(rounds[len(self.rounds) :], names[len(self.rounds) :], strict=True):
            known = [loss for _, _, loss in members if loss is not None]
            if known:
                worst = max(known) + 1
                self.optimizer.tell([(raw, worst if loss is None else loss) for _, raw, loss in members])
            self.rounds.append(numbers)
