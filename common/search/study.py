"""The study of a search: where Optuna keeps it, what stands in it, and how a trial of a killed process comes back.

A trial notes its `outcome`: trained, failed and diverged ones count; rejected (beyond a limit), repeated, surplus and
interrupted ones do not.
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
HEARTBEAT, GRACE = 10, 60  # seconds between two signs of life in a database, and until a silent trial is given up
UNOWNED = 60  # seconds after which a trial that never noted its process is given up

warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
optuna.logging.set_verbosity(optuna.logging.ERROR)


def open_storage(where):
    """Where trials are kept, for all workers.

    Args:
        where (str | Path): a file, a journal that processes of one machine or of a shared disk append to; one that ends
            in .db is an SQLite database; or the address of a database, such as mysql://user@host/name.
    """
    text = str(where)
    try:
        if "://" not in text and not text.endswith(".db"):
            return open_journal(os.path.abspath(text))  # what an abandoned lock leads to is looked at from its folder
        if "://" in text:
            return database(text)
        with FileLock(f"{text}.lock"):  # two commands that make its tables at once would stand in each other's way
            return database(f"sqlite:///{text}", {"connect_args": {"timeout": 60}})
    except ModuleNotFoundError as error:
        fix = f"pip install {error.name}"
        raise EnvironmentProblem(f"--storage {text} needs the package {error.name}: {fix}") from error
    except Exception as error:  # whatever a database, its driver or the reader of a journal raises
        reason = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), type(error).__name__)
        raise EnvironmentProblem(f"--storage {text}: cannot be opened: {reason}") from error


def open_journal(path):
    """The storage in a journal; the end of one that a full disk or a power cut left half written is cut off."""
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
        json.loads(file.readline() or "{}")  # Optuna takes any single line for one that is being written
    return JournalStorage(backend)


def ends_with_a_line(path):
    """Whether a file is empty or ends with the end of a line."""
    with open(path, "rb") as file:
        return not file.seek(0, os.SEEK_END) or (file.seek(-1, os.SEEK_END), file.read())[1] == b"\n"


def database(url, options=None):
    """The storage in a database, whose trials give signs of life."""
    return RDBStorage(
        url,
        engine_kwargs=options or {},
        heartbeat_interval=HEARTBEAT,
        grace_period=GRACE,
        heartbeat_stale_trial_callback=wait_again,
    )


def open_study(storage, name, direction, described, resume):
    """The study of this name, made where there is none.

    Args:
        storage (object): what :func:`open_storage` gave.
        name (str): of the study.
        direction (str): maximize or minimize.
        described (dict): what the study is of; a study of something else is refused.
        resume (bool): whether there may be one already.

    Raises:
        ConfigError: there is one and `resume` is false, or it is of something else.
    """
    if name in optuna.get_all_study_names(storage):
        if not resume:
            raise ConfigError(
                f"there is a search '{name}' already: -r auto goes on with it, -o name=... begins another"
            )
        study = optuna.load_study(study_name=name, storage=storage)
        for key, value in described.items():
            known = study.user_attrs.get(key, value)
            if known != value:
                raise ConfigError(
                    f"the search '{name}' was made with {key} {known}, and now it is {value}; "
                    "take -o name=... for another search"
                )
    else:
        study = optuna.create_study(study_name=name, storage=storage, direction=direction, load_if_exists=True)
    for key, value in described.items():
        if key not in study.user_attrs:
            study.set_user_attr(key, value)
    return study


def outcome(trial):
    """What became of a trial; None while it runs or waits."""
    return trial.user_attrs.get("outcome") if trial.state.is_finished() else None


def count_outcomes(study):
    """How many trials there are of each outcome, and `running` (Counter)."""
    trials = study.get_trials(deepcopy=False)
    counts = Counter(outcome(trial) for trial in trials)
    counts["running"] = sum(trial.state == TrialState.RUNNING for trial in trials)
    return counts


def count_done(counts):
    """How many of the trials count."""
    return sum(counts[name] for name in COUNTED)


def position_of(study, number):
    """How many trials that count, or may come to, are older than trial `number`."""
    return sum(
        trial.number < number and (trial.state == TrialState.RUNNING or outcome(trial) in COUNTED)
        for trial in study.get_trials(deepcopy=False)
    )


def first_number(trial):
    """The number of a trial, or of the killed one that it stands for: it names the folder of both."""
    number = RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
    return trial.number if number is None else number


# Trials whose process is gone ----------------------------------------------------------------------------------------


def owner():
    """This process in a word that no other process of any machine has: host, number, start."""
    return f"{socket.gethostname()} {os.getpid()} {_start_of(os.getpid())}"


def is_alive(name):
    """Whether the process of this name may run still; one of another machine is taken to."""
    host, number, start = name.split(" ")
    return host != socket.gethostname() or _start_of(int(number)) == start


def _start_of(number):
    """When a process began, in ticks since the machine did; empty without such a process."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]  # field 22 of proc(5)
    except OSError:
        return ""


def revive(study):
    """Sets the trials of processes that have gone waiting again, each once, whoever looks first.

    Returns:
        int: how many.
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
    """Puts a trial that was interrupted into the queue, to go on in the folder it has."""
    kept = {key: value for key, value in trial.user_attrs.items() if key not in ("owner", "outcome")}
    trial.user_attrs.clear()
    trial.user_attrs.update(kept)
    RetryHeartbeatStaleTrialCallback()(study, trial)


def _seconds_since(moment):
    return (datetime.datetime.now() - moment).total_seconds() if moment else 0.0
