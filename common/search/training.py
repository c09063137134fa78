"""Runs a trial as a process of the training command in its own folder.

It is stopped together with its parent process (on Linux) after saving a checkpoint, and resumes from it when started
again.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

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


class TrialRunner:
    """Runs the training command for candidates; safe to call from several threads.

    Args:
        config (Config): of the search; which candidates override.
        folder (Path): of the search; candidates run in subfolders.
        threads (int): CPU threads per training; 0 for all.
    """

    def __init__(self, config, folder, threads=0):
        self.config, self.folder, self.threads = config, folder, threads
        self.running, self.lock, self.stopped = set(), threading.Lock(), False

    def command(self, name, overrides):
        """The command line that trains a candidate as the run `name`."""
        script = self.config.kit / "tools" / "train.py"
        place = [f"output_dir={self.folder}", f"name={name}"]
        keys = [*self.config.overrides, *assignments(overrides), *place]
        words = ["-c", str(self.config.path), "--eval", "-r", "auto", "-o", *keys]
        return [sys.executable, "-c", BOUND, str(script), *words]

    def run(self, name, overrides):
        """Trains a candidate, or resumes its training.

        Args:
            name (str): of its run, a subfolder of the search.
            overrides (dict): dotted key -> value.

        Returns:
            Path: the folder of the run.

        Raises:
            TrialFailed: the command ended with an error.
            Interrupted: it was stopped.
        """
        folder = self.folder / name
        log = self.folder / f"{name}.log"
        environment = dict(os.environ)
        if self.threads:
            environment.setdefault("KIT_THREADS", str(self.threads))
        with log.open("ab") as output:
            began = output.tell()
            with self.lock:
                if self.stopped:
                    raise Interrupted
                process = subprocess.Popen(
                    self.command(name, overrides),
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
        return folder

    def stop(self):
        """Stops all trainings after they have saved; no other is started."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                with contextlib.suppress(OSError):
                    process.terminate()


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
