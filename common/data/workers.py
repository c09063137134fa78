"""The pool of data worker processes, with cancellation, watchdog and crash reports."""

import multiprocessing
import os
import signal
import tempfile
import threading
import time
import weakref
from multiprocessing import connection

import numpy as np

from common import errors
from common.data.shared_memory import Board, Counter, Slot
from common.data.worker_process import run_worker
from common.log import logger

TICK = 0.5  # seconds between two polls of should_stop
GRACE = 2.0  # seconds to wait for a batch after the run was asked to stop


class NoBatch(Exception):
    """The run was asked to stop while waiting for a batch; the batch at the loader's position was not consumed."""


class GracePeriod:
    """Returns true from GRACE seconds after `should_stop()` first returned true.

    Args:
        should_stop (callable): without arguments.
    """

    def __init__(self, should_stop):
        self.should_stop, self.since = should_stop, None

    def __call__(self):
        if self.since is None and self.should_stop():
            self.since = time.monotonic()
        return self.since is not None and time.monotonic() - self.since > GRACE


class WorkerTraceback(Exception):
    """The traceback of an exception in a worker, as text; the `__cause__` of the exception raised in the parent."""

    def __str__(self):
        return "\n" + self.args[0]


class DataWorker:
    """The parent's handle of a worker process.

    Args:
        number (int): from 0.
        make_source (callable): (worker number, board) -> batch source.
        prefetch (int): maximum number of pending tasks.
        generation (Counter): shared by all workers.
        open_ends (list[Connection]): pipe ends of the parent that the child inherits and must close.
    """

    def __init__(self, number, make_source, prefetch, generation, open_ends):
        self.number, self.board = number, Board()
        self.slots = [Slot() for _ in range(prefetch)]
        self.submitted = self.received = 0
        self.tasks = []  # description of each pending task, oldest first
        self.trace = tempfile.TemporaryFile("w+")  # noqa: SIM115  unlinked; lives as long as the worker
        self.pipe, child = multiprocessing.Pipe()
        main = threading.current_thread() is threading.main_thread()
        source = make_source(number, self.board)
        ends = [*open_ends, self.pipe]
        self.process = multiprocessing.get_context("fork").Process(
            target=run_worker,
            args=(child, ends, os.getpid(), main, source, self.slots, generation, self.trace),
            name=f"data-worker-{number}",
            daemon=True,
        )
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        child.close()

    def submit(self, generation, epoch, step, what, task):
        """Submits a task; fewer than `prefetch` tasks must be pending."""
        number = self.submitted % len(self.slots)
        self.submitted += 1
        self.tasks.append(task)
        if not isinstance(what, bool):
            what = self.slots[number].put({"indexes": np.asarray(what, np.int64)})
        self.pipe.send((generation, epoch, step, number, what))

    def receive(self):
        """Receives the result of the oldest task and frees its slot."""
        kind, body, skipped = self.pipe.recv()
        slot = self.slots[self.received % len(self.slots)]
        self.received += 1
        self.tasks.pop(0)
        return kind, slot.take(body) if kind == "batch" else body, skipped

    def activity(self):
        """Describes what the worker is reading, for messages."""
        task = self.tasks[0] if self.tasks else "no batch"
        return f"{self.board.read() or 'its start'}, for {task}"


class WorkerPool:
    """A pool of worker processes.

    Args:
        make_source (callable): (worker number, board) -> batch source.
        workers (int): number of processes.
        prefetch (int): batches that each worker prepares ahead.
        watchdog (float): timeout in seconds without a batch; 0 disables it.

    Raises:
        EnvironmentProblem: a process cannot be started.
    """

    def __init__(self, make_source, workers, prefetch, watchdog):
        self.watchdog, self.prefetch = watchdog, prefetch
        self.generation = Counter()
        self.workers = []
        self.close = weakref.finalize(self, kill_workers, self.workers, os.getpid())
        try:
            for number in range(workers):
                ends = [worker.pipe for worker in self.workers]
                self.workers.append(DataWorker(number, make_source, prefetch, self.generation, ends))
        except OSError as error:
            self.close()
            raise errors.EnvironmentProblem(
                f"data worker {number} of {workers} cannot be started: {error}\n  fix: fewer train.workers"
            ) from error

    def begin(self, should_stop):
        """Cancels all pending tasks and waits until the workers have done so."""
        self.cancel()
        for worker in self.workers:
            while worker.tasks:
                self.wait(worker, should_stop)
                self.receive(worker)

    def cancel(self):
        """Cancels all pending tasks."""
        self.generation.advance()

    def submit(self, number, epoch, step, what, task):
        """Submits a task to a worker; `task` describes it in messages."""
        worker = self.workers[number]
        try:
            worker.submit(self.generation.read(), epoch, step, what, task)
        except OSError:
            self.lose(worker)

    def result(self, number, should_stop):
        """The result (kind, body, skipped) of a worker's oldest task.

        Raises:
            BadSample, DataError: the exception of the worker.
            EnvironmentProblem: the worker died.
            Stalled: the watchdog's timeout expired.
            NoBatch: `should_stop()` became true before the batch arrived.
        """
        worker = self.workers[number]
        self.wait(worker, should_stop)
        kind, body, skipped = self.receive(worker)
        if kind == "error":
            raise decode_error(body)
        return kind, body, skipped

    def receive(self, worker):
        """Receives the next result of a worker that has sent one or died."""
        try:
            return worker.receive()
        except (EOFError, OSError):
            self.lose(worker)
        except BaseException:  # half a message may have been read
            self.close()
            raise

    def wait(self, worker, should_stop):
        """Waits until a worker has sent a result or died."""
        start, gives_up = time.monotonic(), GracePeriod(should_stop)
        while not worker.pipe.poll():
            if gives_up():
                raise NoBatch
            waited = time.monotonic() - start
            if self.watchdog and waited >= self.watchdog:
                self.stall(worker)
            connection.wait([worker.pipe, worker.process.sentinel], TICK)
            if not worker.process.is_alive() and not worker.pipe.poll():
                self.lose(worker)

    def lose(self, worker):
        """Closes the pool after a worker has died, and raises an error with the cause."""
        worker.process.join(5)
        code, pid, activity = worker.process.exitcode, worker.process.pid, worker.activity()
        stack = read_trace(worker)
        self.close()
        if stack:
            logger.error("the last Python stack of data worker %d:\n%s", worker.number, stack)
        raise errors.EnvironmentProblem(
            f"data worker {worker.number} (pid {pid}) died: {exit_reason(code)}\n  it was reading {activity}"
        )

    def stall(self, worker):
        """Closes the pool after a worker has exceeded the timeout; logs the stacks of all pending workers."""
        late = [other for other in self.workers if other.tasks]
        for other in late:
            os.kill(other.process.pid, signal.SIGUSR1)
        time.sleep(TICK)
        for other in late:
            logger.error("stack of data worker %d (pid %d):\n%s", other.number, other.process.pid, read_trace(other))
        pid, activity = worker.process.pid, worker.activity()
        self.close()
        raise errors.Stalled(
            f"no batch for {self.watchdog:g} s: data worker {worker.number} (pid {pid}) does not respond\n"
            f"  it is reading {activity}\n  fix: check that file and its disk, or increase the watchdog timeout"
        )


def kill_workers(workers, owner):
    """Kills all workers, which have no state to save; a no-op in forked children of the parent."""
    if os.getpid() != owner:
        return
    for worker in workers:
        worker.process.kill()
    for worker in workers:
        worker.process.join(5)
        worker.pipe.close()
        worker.trace.close()
    workers.clear()


def read_trace(worker):
    """The stacks written by the worker's faulthandler."""
    worker.trace.seek(0)
    return worker.trace.read().split("\nExtension modules:")[0].strip()


def exit_reason(code):
    """Describes the exit code of a process."""
    if code is None or code >= 0:
        return f"it exited with exit code {code}"
    name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
    if -code == signal.SIGKILL:
        return f"killed by {name} (signal {-code}), usually because the machine ran out of memory: use fewer workers"
    return f"killed by {name} (signal {-code})"


def decode_error(description):
    """Decodes an exception encoded by :func:`encode_error`; its cause is the worker's traceback."""
    name, message, issue, index, text = description
    if name == "BadSample":
        error = errors.BadSample(issue)
        error.index = index
    elif name == "RuntimeError":
        error = RuntimeError(message)
    else:
        error = getattr(errors, name)(message)
    error.worker_traceback = text
    error.__cause__ = WorkerTraceback(text)
    return error
