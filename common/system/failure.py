"""Failure handling of distributed runs: if one process fails, all exit, and the launcher reports the original error.

`paddle.distributed.launch` prints the tail of the log of one failed process: the lowest rank, which is not necessarily
the first that failed.  Therefore the first process to fail writes a failure note to the launcher's log folder.  The
others, which then lose their connection or hang in a collective, find the note, print nothing, wait until the launcher
has seen the first one end, and exit a little later with its exit code.
"""

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from pathlib import Path

from common.errors import EnvironmentProblem, KitError, Stopped

LOOK_EVERY = 0.5  # seconds between two polls for the note
LONGEST_EXIT = 60.0  # seconds that the others wait for the first failed process to be gone
GRACE = 2.0  # seconds after that, in which the launcher, which polls every second, sees only the first failed process


@contextlib.contextmanager
def report_failure():
    """Context manager around a process's work: lets the first failure of the run through and silences later ones."""
    if int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) == 1:
        yield
        return
    note, done = FailureNote(), threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(note.read() or 128 + number))
    threading.Thread(target=exit_after_failure, args=(note, done), name="failures of others", daemon=True).start()
    try:
        yield
    except Stopped:
        raise
    except Exception as error:
        code = error.exit_code if isinstance(error, KitError) else 1
        if lost_connection(error):
            code = EnvironmentProblem.exit_code
        if not note.leave(code):
            sys.stderr.flush()
            time.sleep(LONGEST_EXIT + 10 * GRACE)  # the thread ends this process
        if lost_connection(error):
            raise EnvironmentProblem(
                f"rank {os.environ.get('PADDLE_TRAINER_ID')} lost another process, which was killed or is out of "
                f"reach; see the other workerlog files in {os.environ.get('PADDLE_LOG_DIR', 'log')}\n  {error}"
            ) from error
        raise
    finally:
        done.set()


class FailureNote:
    """A file with the exit code of the first process that failed, shared by all processes of one launch."""

    def __init__(self):
        folder = Path(os.environ.get("PADDLE_LOG_DIR", "."))
        self.path = folder / f".failed.{os.environ.get('POD_NAME', 'pod')}.{os.getppid()}"
        self.own = False

    def leave(self, code):
        """Records that this process fails with `code`; returns True if it is the first to fail."""
        if self.read() is None:
            self.path.unlink(missing_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            draft.write_text(f"{code} {os.getpid()}")
            os.link(draft, self.path)  # the note appears whole, and once
        except FileExistsError:
            return False
        except OSError:
            pass  # not writable: every process reports its own error
        finally:
            draft.unlink(missing_ok=True)
        self.own = True
        return True

    def read(self):
        """The exit code of the first process of this run to fail, or None."""
        numbers = self.numbers()
        return numbers[0] if numbers else None

    def numbers(self):
        """[exit code, process] of the first process of this run to fail; None without one."""
        try:
            from_before_a_restart = self.path.stat().st_mtime < process_start()
            return None if from_before_a_restart else [int(word) for word in self.path.read_text().split()]
        except OSError:
            return None

    def wait(self):
        """Waits until the process that failed first is gone: its launcher, which then knows of it, has reaped it."""
        end = time.monotonic() + LONGEST_EXIT
        while (numbers := self.numbers()) and Path(f"/proc/{numbers[1]}").exists() and time.monotonic() < end:
            time.sleep(GRACE / 20)


@functools.cache
def process_start():
    """The start time of this process, in seconds since the epoch."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])  # field 22 of proc(5)
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


def exit_after_failure(note, done):
    """Thread body: exits this process once another one has failed, even if it hangs in a collective."""
    while not done.wait(LOOK_EVERY):
        code = None if note.own else note.read()
        if code is not None:
            note.wait()
            time.sleep(GRACE)
            os._exit(code)


def lost_connection(error):
    """True if an exception means that the connection to another process was lost."""
    text = str(error)
    return isinstance(error, RuntimeError) and any(word in text for word in ("gloo", "by peer", "TCPStore", "NCCL"))
