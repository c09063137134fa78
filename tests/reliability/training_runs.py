"""Real runs of `tools/train.py` on a small kit outside the repository: started, killed, gone on with, compared."""

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from common.weights import checkpoint
from common.weights.safetensors import digest

REPOSITORY = Path(__file__).resolve().parents[2]
KIT = Path(__file__).with_name("TinyKit")
PATIENCE = 120.0  # seconds that a run may take before it counts as hung


@dataclasses.dataclass
class Run:
    """One run: its kit's configuration and the folder it writes.

    Args:
        config (Path): the configuration.
        folder (Path): `output_dir/<name>`.
        overrides (tuple[str]): `key=value` of every start.
    """

    config: Path
    folder: Path
    overrides: tuple = ()

    @classmethod
    def prepare(cls, place):
        """A run of a fresh copy of the kit below `place`."""
        shutil.copytree(KIT, place / "TinyKit", ignore=shutil.ignore_patterns("__pycache__"))
        return cls(place / "TinyKit/configs/tiny.yml", place / "output/tiny")

    def command(self, *more):
        """The command line that goes on from whatever checkpoint there is."""
        place = f"output_dir={self.folder.parent}"
        train = [str(REPOSITORY / "tools/train.py"), "-c", str(self.config), "--eval", "-r", "auto", "-o", place]
        return [*train, *self.overrides, *more]

    def start(self, *more, launcher=()):
        """Starts it; what it says is in `log.txt` beside the output."""
        with open(self.folder.parents[1] / "log.txt", "ab") as log:
            return subprocess.Popen(
                [sys.executable, *launcher, *self.command(*more)],
                cwd=self.folder.parents[1],
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def finish(self, *more, code=0):
        """Runs it to the end."""
        process = self.start(*more)
        assert process.wait(PATIENCE) == code, self.said()[-2000:]

    def said(self):
        """Its log so far."""
        return (self.folder.parents[1] / "log.txt").read_text(errors="replace")

    def copy(self, place):
        """The same run, as it stands, below another folder."""
        shutil.copytree(self.folder.parents[1], place, symlinks=True)
        return Run(place / "TinyKit/configs/tiny.yml", place / "output/tiny")

    def fingerprint(self):
        """What must be the same bit by bit: name -> digest."""
        arrays, state = checkpoint.read_checkpoint(self.folder / "last")
        prints = {group: digest(named) for group, named in arrays.items()}
        prints["metrics"] = hashlib.sha256((self.folder / "metrics.jsonl").read_bytes()).hexdigest()
        prints["state"] = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
        prints["best"] = digest(checkpoint.read_checkpoint(self.folder / "best")[0]["model"])
        return prints

    def files(self):
        """Names in the run's folder."""
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []

    def stamp(self):
        """Changes when a process begins to train."""
        try:
            status = (self.folder / "metrics.jsonl").stat()
            return status.st_ino, status.st_mtime_ns
        except FileNotFoundError:
            return None


def wait_until(condition, process, pause=0.002):
    """False if the process ended before the condition came true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, "the run hangs"
        time.sleep(pause)
    return True


def kill_at_a_moment(run, rng, longest, number=signal.SIGKILL):
    """Starts the run and kills it up to `longest` seconds after it begins to train; the exit code, 0 if it was done."""
    before = run.stamp()
    process = run.start()
    if wait_until(lambda: run.stamp() != before, process):
        time.sleep(rng.uniform(0, longest))
        process.send_signal(number)
    return process.wait(PATIENCE)


def kill_inside_a_save(run, rng, saves):
    """Starts the run and kills it while it writes the checkpoint after `saves` others; (was killed, something torn)."""
    before = run.stamp()
    process = run.start()
    begun = wait_until(lambda: run.stamp() != before, process)
    for _ in range(saves):
        begun = begun and wait_until(lambda: is_saving(run), process, 0.0005)
        begun = begun and wait_until(lambda: not is_saving(run), process, 0.0005)
    if begun and wait_until(lambda: is_saving(run), process, 0):
        time.sleep(rng.uniform(0, 0.004))
        process.kill()
    return process.wait(PATIENCE) == -signal.SIGKILL, is_saving(run)


def is_saving(run):
    """Whether a checkpoint is being written, or was when the writer died."""
    return any(".tmp-" in name or ".old-" in name for name in run.files())


def check_kills(config, overrides, place, kills, longest=1.2):
    """Checks that a run that was killed so often, every fourth time inside a save, ends like the one that was not.

    Args:
        config (Path): the configuration, a tiny one.
        overrides (tuple[str]): `key=value` of every start.
        place (Path): an empty folder.
        kills (int): how many.
        longest (float): seconds of training before a kill, at most.
    """
    runs = []
    for name in ("whole", "killed"):
        (place / name).mkdir()
        runs.append(Run(config, place / name / "tiny" / config.stem, overrides))
    whole, killed = runs
    whole.finish()
    rng, done = np.random.default_rng(0), 0
    while done < kills:
        if done % 4 == 3:
            was_killed, _ = kill_inside_a_save(killed, rng, saves=0)
        else:
            was_killed = kill_at_a_moment(killed, rng, longest) == -signal.SIGKILL
        if not was_killed:  # it came to its end before: another one from the beginning
            assert killed.fingerprint() == whole.fingerprint()
            killed = Run(config, place / f"again{done}" / "tiny" / config.stem, overrides)
            killed.folder.parents[1].mkdir()
        done += was_killed
    killed.finish()
    assert killed.fingerprint() == whole.fingerprint()
