"""The Optuna study of a search: its storage, the outcomes of trials, and recovery of trials of killed processes.

A trial records its `outcome`: trained, failed and diverged trials count; rejected (above a limit), repeated, surplus
and interrupted ones do not.
"""

import contextlib
import datetime
import json
import os
import socket
import warnings
from collections import Counter

import optuna
from filelock import FileLock
from optuna.storages import JournalStorage, RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from common.errors import ConfigError, EnvironmentProblem

COUNTED = ("trained", "failed", "diverged")
HEARTBEAT, GRACE = 10, 60  # seconds between heartbeats in a database, and without one until a trial is considered dead
UNOWNED = 60  # seconds after which a trial without a recorded process is considered dead

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_storage(where):
    """Opens the storage of trials that all workers share.

    Args:
        where (str | Path): a journal file on a local or shared disk; an SQLite file if it ends in .db; or a database
            URL such as mysql://user@host/name.
    """
    text = str(where)
    try:
        if "://" not in text and not text.endswith(".db"):
            return open_journal(os.path.abspath(text))  # symbolic links of stale locks are relative to its folder
        if "://" in text:
            return database(text)
        with FileLock(f"{text}.lock"):  # only one command may create the tables
            return database(f"sqlite:///{text}", {"connect_args": {"timeout": 60}})
    except ModuleNotFoundError as error:
        fix = f"pip install {error.name}"
        raise EnvironmentProblem(f"--storage {text} needs the package {error.name}: {fix}") from error
    except Exception as error:  # drivers and readers raise various types
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise EnvironmentProblem(f"--storage {text}: cannot be opened: {reason}") from error


def open_journal(path):
    """Opens a journal storage; an incomplete last line, left by a full disk or a power failure, is truncated."""
    lock = JournalFileSymlinkLock(path)
    backend = JournalFileBackend(path, lock)
    if not ends_with_a_line(path):
        lock.acquire()
        try:
            if not ends_with_a_line(path):
                with open(path, "r+b") as file:
                    file.truncate(file.read().rfind(b"\n") + 1)
        finally:
            lock.release()
    with open(path, encoding="utf-8") as file:
        json.loads(file.readline() or "{}")  # Optuna takes any single line for an incomplete one
    return JournalStorage(backend)


def ends_with_a_line(path):
    """True if a file is empty or ends with a newline."""
    with open(path, "rb") as file:
        return not file.seek(0, os.SEEK_END) or (file.seek(-1, os.SEEK_END), file.read())[1] == b"\n"


def database(url, options=None):
    """Opens a database storage with heartbeats of trials."""
    return RDBStorage(
        url,
        engine_kwargs=options or {},
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
        heartbeat_stale_trial_callback=wait_again,
    )


def open_study(storage, name, direction, described, resume, elsewhere="-o name=..."):
    """Opens the study of this name, or creates it.

    Args:
        storage (object): returned by :func:`open_storage`.
        name (str): of the study.
        direction (str): maximize or minimize.
        described (dict): properties of the search; an existing study must have the same.
        resume (bool): an existing study is resumed.
        elsewhere (str): the option that starts another search, for the messages.

    Raises:
        ConfigError: the study exists and `resume` is false, or it belongs to another search.
    """
    if name in optuna.get_all_study_names(storage):
        if not resume:
            raise ConfigError(f"the search '{name}' exists already: -r auto resumes it, {elsewhere} starts another")
        study = optuna.load_study(study_name=name, storage=storage)
        for key, value in described.items():
            known = study.user_attrs.get(key, value)
            if known != value:
                raise ConfigError(
                    f"the search '{name}' was started with {key} {known}, not {value}; {elsewhere} starts another"
                )
    else:
        study = optuna.create_study(study_name=name, storage=storage, direction=direction, load_if_exists=True)
    for key, value in described.items():
        if key not in study.user_attrs:
            study.set_user_attr(key, value)
    return study


def outcome(trial):
    """The outcome of a trial; None while it runs or waits."""
    return trial.user_attrs.get("outcome") if trial.state.is_finished() else None


def count_outcomes(study):
    """The number of trials of each outcome, and `running` (Counter)."""
    trials = study.get_trials(deepcopy=False)
    counts = Counter(outcome(trial) for trial in trials)
    counts["running"] = sum(trial.state == TrialState.RUNNING for trial in trials)
    return counts


def count_done(counts):
    """The number of counted trials."""
    return sum(counts[name] for name in COUNTED)


def position_of(study, number):
    """The number of trials older than trial `number` that count or may still count."""
    return sum(
        trial.number < number and (trial.state == TrialState.RUNNING or outcome(trial) in COUNTED)
        for trial in study.get_trials(deepcopy=False)
    )


def first_number(trial):
    """The number of a trial, or of the interrupted one that it continues; it names the folder of both."""
    number = RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
    return trial.number if number is None else number


# Trials of dead processes ------------------------------------------------------------------------------------------


def owner():
    """A unique name of this process: host, process id, start time."""
    return f"{socket.gethostname()} {os.getpid()} {_start_of(os.getpid())}"


def is_alive(name):
    """True if the process of this name may still run; processes of other machines are assumed to."""
    host, number, start = name.split(" ")
    return host != socket.gethostname() or _start_of(int(number)) == start


def _start_of(number):
    """The start time of a process in clock ticks since boot; empty if it does not exist."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]  # field 22 of proc(5)
    except OSError:
        return ""


def revive(study):
    """Enqueues the trials of dead processes again, each exactly once.

    Returns:
        int: number of trials.
    """
    optuna.storages.fail_stale_trials(study)
    count = 0
    for trial in study.get_trials(deepcopy=True, states=(TrialState.RUNNING,)):
        name = trial.user_attrs.get("owner")
        if is_alive(name) if name else _seconds_since(trial.datetime_start) < UNOWNED:
            continue
        with contextlib.suppress(ValueError):  # another worker was first
            study.tell(trial.number, state=TrialState.FAIL)
            wait_again(study, trial)
            count += 1
    return count


def wait_again(study, trial):
    """Enqueues an interrupted trial, to be resumed in its folder."""
    kept = {key: value for key, value in trial.user_attrs.items() if key not in ("owner", "outcome")}
    trial.user_attrs.clear()
    trial.user_attrs.update(kept)
    RetryHeartbeatStaleTrialCallback()(study, trial)


def _seconds_since(moment):
    return (datetime.datetime.now() - moment).total_seconds() if moment else 0.0
