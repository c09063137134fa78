"""The workers of a search: each asks the study for a candidate, checks it, trains it, and tells its score.

Workers are threads here, as a training is a process of its own; further ones run wherever the same command is given the
same storage.
"""

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

import optuna
from optuna.trial import TrialState

from common.config import load_config
from common.config.overrides import assignments
from common.errors import ConfigError, KitError
from common.log import logger
from common.search import study as studies
from common.search.cost import beyond
from common.search.space import decode, is_finite, size
from common.search.strategies import mixed, suggest
from common.search.training import Interrupted, TrialFailed, score_of

POLL = 0.5  # seconds between two looks at the trials of other workers
MOST_REPEATED = 10  # candidates in a row that were drawn before, after which they are drawn at random


class Discarded(Exception):
    """A candidate that is not trained and does not count: drawn before, or one too many."""


class Search:
    """A search that is being run.

    Args:
        config (Config): with the section `search:`.
        strategy (Strategy): built from it.
        storage (object): of Optuna, for all workers.
        name (str): of the study in it.
        trainer (Trainer): trains candidates.
        cost (Cost): measures them.
        trials (int): how many are to count.
        higher (bool): whether more of the score is better.
        report (Callable): called with the study after each trial that counts.
    """

    def __init__(self, config, strategy, storage, name, trainer, cost, trials, higher=True, report=lambda study: None):
        self.config, self.strategy, self.storage, self.name = config, strategy, storage, name
        self.trainer, self.cost, self.trials, self.higher = trainer, cost, trials, higher
        self.report = report
        self.owner = studies.owner()
        self.stopped, self.reporting = threading.Event(), threading.Lock()

    def run(self, workers=1):
        """Goes on until enough trials count.  When it is interrupted, trainings save what they have and end.

        Raises:
            ConfigError: no candidate within the limits is found.
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
        """The study, as one thread uses it."""
        return optuna.load_study(study_name=self.name, storage=self.storage, sampler=sampler)


def candidate(config, space, values):
    """The checked configuration of a candidate: that of the search with other values.

    Raises:
        ConfigError: a chosen value does not suit the configuration.
    """
    changed = assignments(space.overrides(values))
    result = load_config(config.path, [*config.overrides, *changed], default_kit=config.kit)
    result.check()
    return result


class Worker:
    """One thread of a search.

    Args:
        search (Search): what it works on.
        number (int): of the thread, from 0.
    """

    def __init__(self, search, number):
        self.search, self.strategy = search, search.strategy
        known = len(search.study().get_trials(deepcopy=False))
        self.sampler = self.strategy.sampler(search.config.get("seed"), (number, known))
        self.random = optuna.samplers.RandomSampler(mixed(search.config.get("seed"), (number, known, 1)))
        self.study = search.study(self.sampler)
        self.refused = self.repeated = 0

    def work(self):
        """Trial after trial, until enough count or the search is stopped."""
        while not self.search.stopped.is_set():
            counts = studies.standing(self.study)
            if studies.done(counts) >= self.search.trials:
                return
            if studies.done(counts) + counts["running"] >= self.search.trials:
                if not self.waits_for_own():
                    return
                self.search.stopped.wait(POLL)
            elif self.is_exhausted():
                logger.info("every candidate of the space has been tried")
                return
            else:
                caught = (TrialFailed, Discarded, Interrupted)
                self.study.sampler = self.sampler if self.repeated < MOST_REPEATED else self.random
                self.study.optimize(self.objective, n_trials=1, catch=caught, callbacks=[self.after])

    def waits_for_own(self):
        """Whether a trial of this process runs, which may yet turn out not to count."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return any(trial.user_attrs.get("owner") == self.search.owner for trial in running)

    def is_exhausted(self):
        """Whether every candidate of a finite space has been drawn."""
        count = size(self.strategy.space.dimensions)
        return count <= 1e6 and len(self.drawn()) >= count

    def drawn(self, but=None):
        """The candidates that need not be drawn again, those of trial number `but` left out."""
        names = self.strategy.distributions
        return {
            tuple(trial.params[name] for name in names)
            for trial in self.study.get_trials(deepcopy=False)
            if trial.number != but
            and len(trial.params) == len(names)
            and (trial.state == TrialState.RUNNING or studies.outcome(trial) in (*studies.COUNTED, "rejected"))
        }

    def objective(self, trial):
        """What Optuna calls: draws a candidate, and returns its score once it is trained."""
        trial.set_user_attr("owner", self.search.owner)
        tokens = {name: suggest(trial, name, d) for name, d in self.strategy.distributions.items()}
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        if studies.place(self.study, trial.number) >= self.search.trials:
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
            TrialPruned: it is beyond a limit.
            TrialFailed: its configuration or its training is at fault.
        """
        values = decode(self.strategy.space.dimensions, tokens)
        try:
            config = candidate(self.search.config, self.strategy.space, values)
            measures = self.search.cost(config)
        except KitError as error:
            raise TrialFailed(str(error).splitlines()[0]) from error
        trial.set_user_attr("measures", measures)
        refusal = beyond(measures, self.strategy.limits)
        if refusal:
            trial.set_user_attr("outcome", "rejected")
            trial.set_user_attr("reason", refusal)
            raise optuna.TrialPruned
        trial.set_user_attr("folder", name)
        logger.info("%s: %s", name, " ".join(f"{key}={value}" for key, value in values.items()))
        folder = self.search.trainer.run(name, self.strategy.space.overrides(values))
        return score_of(folder, self.strategy.metric, self.search.higher)

    def after(self, study, trial):
        """Puts an interrupted trial back, counts refused candidates, and reports what counts."""
        outcome = studies.outcome(trial)
        if outcome == "interrupted":
            studies.wait_again(study, trial)
        self.refused = self.refused + 1 if outcome in ("rejected", "repeated") else 0
        self.repeated = self.repeated + 1 if outcome == "repeated" else 0
        if self.refused >= self.strategy.redraws:
            limits = ", ".join(f"{name} {most:g}" for name, most in self.strategy.limits.items())
            raise ConfigError(
                f"{self.search.config.place('search')}: none of the last {self.refused} candidates was new and within "
                f"the limits ({limits or 'none'}); the last: {trial.user_attrs.get('reason', 'drawn before')}"
            )
        if outcome in studies.COUNTED:
            said = f"score {trial.value:.6g}" if outcome == "trained" else f"{outcome}: {trial.user_attrs['reason']}"
            logger.info("%s: %s", trial.user_attrs.get("folder", f"trial {trial.number}"), said)
            with self.search.reporting:
                self.search.report(study)
