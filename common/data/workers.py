"""The processes that prepare batches: started once, asked by number, watched while they are waited for."""

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
from common.data.worker_process import work
from common.log import logger

TICK = 0.5  # seconds between two looks at whether the run should stop
GRACE = 2.0  # seconds that a batch may still take when the run should stop


class NoBatch(Exception):
    """The run was asked to stop while it waited for a batch; the loop has not taken the batch at its position."""


class Patience:
    """True from GRACE seconds after `should_stop()` was first seen to be true.

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
    """The traceback of an exception in a worker, as text; the cause of the exception raised in its stead."""

    def __str__(self):
        return "\n" + self.args[0]


class Worker:
    """A worker process as the parent sees it.

    Args:
        number (int): from 0.
        make_source (callable): (worker number, board) -> what makes its batches.
        prefetch (int): tasks it may be given ahead.
        generation (Counter): shared by all workers.
        open_ends (list[Connection]): pipes of the parent that the fork inherits and must close.
    """

    def __init__(self, number, make_source, prefetch, generation, open_ends):
        self.number, self.board = number, Board()
        self.slots = [Slot() for _ in range(prefetch)]
        self.asked = self.answered = 0
        self.tasks = []  # description of each unanswered task, oldest first
        self.trace = tempfile.TemporaryFile("w+")  # noqa: SIM115  unlinked; lives as long as the worker
        self.pipe, child = multiprocessing.Pipe()
        main = threading.current_thread() is threading.main_thread()
        source = make_source(number, self.board)
        ends = [*open_ends, self.pipe]
        self.process = multiprocessing.get_context("fork").Process(
            target=work,
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

    def ask(self, generation, epoch, step, what, task):
        """Gives the worker a task; the oldest unanswered one must be fewer than `prefetch` tasks ago."""
        number = self.asked % len(self.slots)
        self.asked += 1
        self.tasks.append(task)
        if not isinstance(what, bool):
            what = self.slots[number].put({"indexes": np.asarray(what, np.int64)})
        self.pipe.send((generation, epoch, step, number, what))

    def receive(self):
        """The answer to the oldest task, whose slot is free again."""
        kind, body, left_out = self.pipe.recv()
        slot = self.slots[self.answered % len(self.slots)]
        self.answered += 1
        self.tasks.pop(0)
        return kind, slot.take(body) if kind == "batch" else body, left_out

    def doing(self):
        """What the worker is at, for a message."""
        task = self.tasks[0] if self.tasks else "no batch"
        return f"{self.board.read() or 'its start'}, for {task}"


class WorkerPool:
    """Worker processes and the way to them.

    Args:
        make_source (callable): (worker number, board) -> what makes its batches.
        workers (int): number of processes.
        prefetch (int): batches each prepares ahead.
        watchdog (float): seconds without a batch after which the run ends; 0 waits for ever.

    Raises:
        EnvironmentProblem: a process cannot be started.
    """

    def __init__(self, make_source, workers, prefetch, watchdog):
        self.watchdog, self.prefetch = watchdog, prefetch
        self.generation = Counter()
        self.workers = []
        self.close = weakref.finalize(self, kill, self.workers, os.getpid())
        try:
            for number in range(workers):
                ends = [worker.pipe for worker in self.workers]
                self.workers.append(Worker(number, make_source, prefetch, self.generation, ends))
        except OSError as error:
            self.close()
            raise errors.EnvironmentProblem(
                f"data worker {number} of {workers} cannot be started: {error}\n  fix: fewer train.workers"
            ) from error

    def begin(self, should_stop):
        """Gives up all tasks that are still unanswered, and waits for the workers to do so."""
        self.cancel()
        for worker in self.workers:
            while worker.tasks:
                self.wait(worker, should_stop)
                self.receive(worker)

    def cancel(self):
        """Tells the workers to give up what they were asked for."""
        self.generation.advance()

    def ask(self, number, epoch, step, what, task):
        """Gives a worker a task; `task` describes it in messages."""
        worker = self.workers[number]
        try:
            worker.ask(self.generation.read(), epoch, step, what, task)
        except OSError:
            self.lose(worker)

    def answer(self, number, should_stop):
        """The (kind, body, left out) of a worker's oldest task.

        Raises:
            BadSample, DataError: the sample or batch is at fault.
            EnvironmentProblem: the worker died.
            Stalled: the watchdog's time has passed.
            NoBatch: `should_stop()` became true and the batch did not come.
        """
        worker = self.workers[number]
        self.wait(worker, should_stop)
        kind, body, left_out = self.receive(worker)
        if kind == "error":
            raise rebuild(body)
        return kind, body, left_out

    def receive(self, worker):
        """The next answer of a worker that has sent one, or died."""
        try:
            return worker.receive()
        except (EOFError, OSError):
            self.lose(worker)
        except BaseException:  # half a message may have been read
            self.close()
            raise

    def wait(self, worker, should_stop):
        """Waits until a worker has answered or died."""
        start, gives_up = time.monotonic(), Patience(should_stop)
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
        """Ends the pool because a worker is dead, and says of what."""
        worker.process.join(5)
        code, pid, doing = worker.process.exitcode, worker.process.pid, worker.doing()
        stack = read_trace(worker)
        self.close()
        if stack:
            logger.error("the last Python stack of data worker %d:\n%s", worker.number, stack)
        raise errors.EnvironmentProblem(
            f"data worker {worker.number} (pid {pid}) died: {cause_of_death(code)}\n  it was at {doing}"
        )

    def stall(self, worker):
        """Ends the pool because a worker does not answer; logs the stacks of all processes."""
        late = [other for other in self.workers if other.tasks]
        for other in late:
            os.kill(other.process.pid, signal.SIGUSR1)
        time.sleep(TICK)
        for other in late:
            logger.error("stack of data worker %d (pid %d):\n%s", other.number, other.process.pid, read_trace(other))
        pid, doing = worker.process.pid, worker.doing()
        self.close()
        raise errors.Stalled(
            f"no batch for {self.watchdog:g} s: data worker {worker.number} (pid {pid}) does not answer\n"
            f"  it is at {doing}\n  fix: look at that file and the disk it is on, or raise the watchdog"
        )


def kill(workers, owner):
    """Ends all workers at once; they hold nothing that needs saving. Does nothing in a forked copy of the parent."""
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
    """The stacks that the worker's fault handler wrote."""
    worker.trace.seek(0)
    return worker.trace.read().split("\nExtension modules:")[0].strip()


def cause_of_death(code):
    """An exit code of a process in words."""
    if code is None or code >= 0:
        return f"it left with exit code {code}"
    name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
    if -code == signal.SIGKILL:
        return (
            f"killed by {name} (signal {-code}); when nobody sent it, the machine ran out of memory: use fewer workers"
        )
    return f"killed by {name} (signal {-code})"


def rebuild(description):
    """The exception that `worker.describe` turned into plain values; its cause is the worker's traceback."""
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
