"""Workers of a search: each draws a candidate from the study, checks its cost, trains it, and reports its score.

Workers are threads, as every training is a separate process; more workers run wherever the same command uses the same
storage.
"""

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import optuna
from optuna.trial import TrialState

from common.errors import ConfigError, KitError
from common.log import logger
from common.search import study as studies
from common.search.cost import exceeded_limits
from common.search.space import decode, is_finite, size
from common.search.strategies import mix_seed, suggest
from common.search.training import Interrupted, TrialFailed

POLL = 0.5  # seconds between two polls of the trials of other workers
MOST_REPEATED = 10  # consecutive repeated candidates before they are drawn at random


class Discarded(Exception):
    """A candidate that is not trained and does not count: a repetition, or surplus."""


class Search:
    """A running search.

    Args:
        strategy (Strategy): draws candidates.
        storage (object): Optuna storage, shared by all workers.
        name (str): of the study in it.
        trainer (Trials): runs candidates.
        trials (int): number of counted trials to reach.
        seed (int): of the strategy.
        place (str): where the search is written, for messages.
        parents (Callable): chooses the trial whose model a trial starts from: study, its number -> name or None.
        report (Callable): called with the study after each counted trial.
    """

    def __init__(
        self,
        strategy,
        storage,
        name,
        trainer,
        trials,
        seed=0,
        place="search",
        parents=lambda study, number: None,
        report=lambda study: None,
    ):
        self.strategy, self.storage, self.name = strategy, storage, name
        self.trainer, self.trials, self.seed, self.place = trainer, trials, seed, place
        self.parents, self.report = parents, report
        self.owner = studies.owner()
        self.stopped, self.reporting = threading.Event(), threading.Lock()

    def run(self, workers=1):
        """Runs until enough trials are counted.  On an interrupt all trainings save a checkpoint and stop.

        Raises:
            ConfigError: no new candidate within the limits was found.
        """
        studies.revive(self.study())
        with ThreadPoolExecutor(workers, thread_name_prefix="search") as pool:
            try:
                futures = [pool.submit(Worker(self, number).work) for number in range(workers)]
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
            except BaseException:
                self.stopped.set()
                self.trainer.stop()
                raise

    def study(self, sampler=None):
        """The study, for use by one thread."""
        return optuna.load_study(study_name=self.name, storage=self.storage, sampler=sampler)


class Worker:
    """One thread of a search.

    Args:
        search (Search): the search it belongs to.
        number (int): of the thread, from 0.
    """

    def __init__(self, search, number):
        self.search, self.strategy = search, search.strategy
        known = len(search.study().get_trials(deepcopy=False))
        self.sampler = self.strategy.sampler(search.seed, (number, known))
        self.random = optuna.samplers.RandomSampler(mix_seed(search.seed, (number, known, 1)))
        self.study = search.study(self.sampler)
        self.refused = self.repeated = 0

    def work(self):
        """Runs trials until enough are counted or the search is stopped."""
        while not self.search.stopped.is_set():
            counts = studies.count_outcomes(self.study)
            if studies.count_done(counts) >= self.search.trials:
                return
            if studies.count_done(counts) + counts["running"] >= self.search.trials:
                if not self.waits_for_own():
                    return
                self.search.stopped.wait(POLL)
            elif self.is_exhausted():
                logger.info("all candidates of the search space have been tried")
                return
            else:
                caught = (TrialFailed, Discarded, Interrupted)
                self.study.sampler = self.sampler if self.repeated < MOST_REPEATED else self.random
                self.study.optimize(self.objective, n_trials=1, catch=caught, callbacks=[self.after])

    def waits_for_own(self):
        """True if a trial of this process is running, which may not be counted in the end."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(trial.user_attrs.get("owner") == self.search.owner for trial in running)

    def is_exhausted(self):
        """True if all candidates of a finite space have been drawn."""
        count = size(self.strategy.space.dimensions)
        return count <= 1e6 and len(self.drawn()) >= count

    def drawn(self, but=None):
        """The candidates drawn so far, except that of trial number `but`."""
        names = self.strategy.distributions
        return {
            tuple(trial.params[name] for name in names)
            for trial in self.study.get_trials(deepcopy=False)
            if trial.number != but
            and len(trial.params) == len(names)
            and (trial.state == TrialState.RUNNING or studies.outcome(trial) in (*studies.COUNTED, "rejected"))
        }

    def objective(self, trial):
        """Objective for Optuna: draws a candidate, trains it, and returns its score."""
        trial.set_user_attr("owner", self.search.owner)
        tokens = {name: suggest(trial, name, d) for name, d in self.strategy.distributions.items()}
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        if studies.position_of(self.study, trial.number) >= self.search.trials:
            trial.set_user_attr("outcome", "surplus")
            raise Discarded
        is_new = studies.first_number(frozen) == trial.number
        if is_new and is_finite(self.strategy.space.dimensions) and tuple(tokens.values()) in self.drawn(trial.number):
            trial.set_user_attr("outcome", "repeated")
            raise Discarded
        began = time.monotonic()
        try:
            score = self.train(trial, f"trial_{studies.first_number(frozen):04d}", tokens)
        except TrialFailed as failure:
            trial.set_user_attr("outcome", "diverged" if failure.diverged else "failed")
            trial.set_user_attr("reason", str(failure))
            raise optuna.TrialPruned if failure.diverged else failure from failure
        except Interrupted:
            trial.set_user_attr("outcome", "interrupted")
            raise
        trial.set_user_attr("seconds", round(time.monotonic() - began, 1))
        trial.set_user_attr("outcome", "trained")
        return score

    def train(self, trial, name, tokens):
        """The score of a candidate.

        Raises:
            TrialPruned: its cost exceeds a limit.
            TrialFailed: its configuration is invalid or its training failed.
        """
        values = decode(self.strategy.space.dimensions, tokens)
        try:
            measures = self.search.trainer.measures(values)
        except KitError as error:
            raise TrialFailed(str(error).splitlines()[0]) from error
        trial.set_user_attr("measures", measures)
        refusal = exceeded_limits(measures, self.strategy.limits)
        if refusal:
            trial.set_user_attr("outcome", "rejected")
            trial.set_user_attr("reason", refusal)
            raise optuna.TrialPruned
        trial.set_user_attr("folder", name)
        logger.info("%s: %s", name, " ".join(f"{key}={value}" for key, value in values.items()))
        parent = trial.user_attrs.get("parent") or self.search.parents(self.study, trial.number)
        if parent is not None:
            trial.set_user_attr("parent", parent)
        folder = self.search.trainer.run(name, self.strategy.space.overrides(values), parent)
        return self.search.trainer.score(folder)

    def after(self, study, trial):
        """Enqueues an interrupted trial again, counts rejected candidates, and reports counted trials."""
        outcome = studies.outcome(trial)
        if outcome == "interrupted":
            studies.wait_again(study, trial)
        self.refused = self.refused + 1 if outcome in ("rejected", "repeated") else 0
        self.repeated = self.repeated + 1 if outcome == "repeated" else 0
        if self.refused >= self.strategy.redraws:
            limits = ", ".join(f"{name} {most:g}" for name, most in self.strategy.limits.items())
            raise ConfigError(
                f"{self.search.place}: none of the last {self.refused} candidates was new and within "
                f"the limits ({limits or 'none'}); the last: {trial.user_attrs.get('reason', 'drawn before')}"
            )
        if outcome in studies.COUNTED:
            said = f"score {trial.value:.6g}" if outcome == "trained" else f"{outcome}: {trial.user_attrs['reason']}"
            logger.info("%s: %s", trial.user_attrs.get("folder", f"trial {trial.number}"), said)
            with self.search.reporting:
                self.search.report(study)
