"""Runs each trial as a process in its own folder, here of the training command.

It is stopped together with its parent process (on Linux) after saving a checkpoint, and resumes from it when started
again.
"""

import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading

from common.config import load_config
from common.config.overrides import assignments
from common.errors import ConfigError, Diverged
from common.training.callbacks.lines import read_json_lines
from common.weights import run_folder
from common.weights.manifest import CheckpointError

# receives SIGTERM when its parent thread ends (prctl(2), PR_SET_PDEATHSIG), on which training saves
BOUND = (
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGINT, -signal.SIGTERM)


class Interrupted(Exception):
    """A training was stopped by a signal; it can be resumed."""


class TrialFailed(Exception):
    """A training failed.

    Args:
        reason (str): in one line.
        diverged (bool): its loss was not finite.
    """

    def __init__(self, reason, diverged=False):
        super().__init__(reason)
        self.diverged = diverged


class Trials:
    """Base class of what a search runs: one process per trial; safe to call from several threads.

    Args:
        folder (Path): of the search; trials run in subfolders.
        threads (int): CPU threads per trial; 0 for all.
        devices (list[str]): numbers of graphics cards, one per trial at a time; empty for what a trial takes itself.
    """

    def __init__(self, folder, threads=0, devices=()):
        self.folder, self.threads = folder, threads
        self.running, self.lock, self.stopped = set(), threading.Lock(), False
        self.devices = queue.SimpleQueue() if devices else None
        for device in devices:
            self.devices.put(device)

    def command(self, name, overrides, parent=None):
        """The command line of a trial (list[str]).

        Args:
            name (str): of its subfolder.
            overrides (dict): name -> value.
            parent (str | None): the trial whose model it starts from.
        """
        raise NotImplementedError

    def environment(self, name):
        """Environment variables of a trial (dict)."""
        return {}

    def measures(self, values):
        """The cost of a candidate, name -> number, before it is run; a KitError if its values are invalid."""
        return {}

    def score(self, folder):
        """The score of a completed trial; a TrialFailed if it has none."""
        raise NotImplementedError

    def model_of(self, folder):
        """The path of a completed trial's model (Path)."""
        raise NotImplementedError

    def words(self, overrides):
        """The command, in lines, that trains with these values outside the search."""
        raise NotImplementedError

    def run(self, name, overrides, parent=None):
        """Runs a trial, or resumes it.

        Args:
            name (str): of its subfolder.
            overrides (dict): name -> value.
            parent (str | None): the trial whose model it starts from.

        Returns:
            Path: the folder of the trial.

        Raises:
            TrialFailed: the command ended with an error.
            Interrupted: it was stopped.
        """
        log = self.folder / f"{name}.log"
        environment = {**os.environ, **self.environment(name)}
        if self.threads:
            environment.setdefault("KIT_THREADS", str(self.threads))
        with log.open("ab") as output, self.device(environment):
            began = output.tell()
            with self.lock:
                if self.stopped:
                    raise Interrupted
                process = subprocess.Popen(
                    self.command(name, overrides, parent),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                )
                self.running.add(process)
            try:
                code = process.wait()
            finally:
                with self.lock:
                    self.running.discard(process)
        if code in INTERRUPTED:
            raise Interrupted
        if code:
            raise TrialFailed(reason_in(log, began, code), diverged=code == Diverged.exit_code)
        return self.folder / name

    @contextlib.contextmanager
    def device(self, environment):
        """Lends a graphics card to a trial."""
        if self.devices is None:
            yield
            return
        device = self.devices.get()
        environment["CUDA_VISIBLE_DEVICES"] = device
        try:
            yield
        finally:
            self.devices.put(device)

    def stop(self):
        """Stops all trials after they have saved; no other is started."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                with contextlib.suppress(OSError):
                    process.terminate()


class ConfigTrials(Trials):
    """Trains variants of a configuration by the training command.

    Args:
        config (Config): of the search; which candidates override.
        space (object): of the search, with `overrides(values)`.
        folder (Path): of the search.
        threads (int): CPU threads per training; 0 for all.
        cost (Callable): measures the configuration of a candidate: name -> number.
        metric (str | None): the score to optimize; None for the one that selects the best checkpoint.
        higher (bool): a higher `metric` is better.
        epochs (int | None): epochs of every training, instead of `train.epochs`.
        devices (list[str]): numbers of graphics cards; empty for those that the configuration names.
    """

    def __init__(
        self,
        config,
        space,
        folder,
        threads=0,
        cost=lambda config: {},
        metric=None,
        higher=True,
        epochs=None,
        devices=(),
    ):
        super().__init__(folder, threads, devices)
        self.config, self.space, self.cost = config, space, cost
        self.metric, self.higher, self.epochs = metric, higher, epochs

    def command(self, name, overrides, parent=None):
        """The training command of a candidate; without `train.epochs` of its own it trains `epochs`."""
        script = self.config.kit / "tools" / "train.py"
        more = {} if self.epochs is None else {"train.epochs": self.epochs}
        if parent is not None:
            more["pretrained"] = str(self.model_of(self.folder / parent))
        place = [f"output_dir={self.folder}", f"name={name}"]
        keys = [*self.config.overrides, *assignments(more), *assignments(overrides), *place]
        words = ["-c", str(self.config.path), "--eval", "-r", "auto", "-o", *keys]
        return [sys.executable, "-c", BOUND, str(script), *words]

    def measures(self, values):
        """Checks the configuration of a candidate, and measures its cost."""
        return self.cost(candidate(self.config, self.space, values))

    def score(self, folder):
        """The best score of the run."""
        return score_of(folder, self.metric, self.higher)

    def model_of(self, folder):
        """The best checkpoint."""
        return folder / "best"

    def words(self, overrides):
        """The options of the training command."""
        keys = shlex.join([*self.config.overrides, *assignments(overrides)])
        return f"  -c {shlex.quote(str(self.config.path))} -o {keys}"


def candidate(config, space, values):
    """The checked configuration of a candidate: that of the search with the chosen values.

    Raises:
        ConfigError: a chosen value is not valid in the configuration.
    """
    changed = assignments(space.overrides(values))
    result = load_config(config.path, [*config.overrides, *changed], default_kit=config.kit)
    result.check()
    return result


def reason_in(log, began, code):
    """The reason of a failure, from the log after byte `began`: the first line of its error."""
    with log.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error")]
    last = (errors[-1].removeprefix("error: ") if errors else lines[-1] if lines else "no output")[:300]
    return f"exit code {code}: {last}"


def score_of(folder, metric=None, higher=True):
    """The best score of a completed run.

    Args:
        folder (Path): of the run.
        metric (str | None): its name; None for the one that selects the best checkpoint.
        higher (bool): a higher `metric` is better.

    Raises:
        TrialFailed: the run has no such score.
    """
    if metric is None:
        try:
            best = json.loads((run_folder.resolve_link(folder / "best") / "state.json").read_text(encoding="utf-8"))[
                "best"
            ]
        except (ConfigError, CheckpointError, OSError, ValueError, KeyError) as error:
            raise TrialFailed(f"{folder}: no evaluation had a finite score") from error
        return float(best["score"])
    records = [record for _, record in read_json_lines(folder / "metrics.jsonl") if record.get("kind") == "eval"]
    scores = [record[metric] for record in records if record.get(metric) is not None]
    if not scores:
        known = sorted({name for record in records for name in record} - {"kind", "step", "epoch"})
        raise TrialFailed(f"{folder}: there is no score '{metric}'; the scores are {', '.join(known) or 'none'}")
    return float(max(scores) if higher else min(scores))
