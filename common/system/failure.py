"""When one of several processes fails, all end, and the launcher's last lines are that process's error.

`paddle.distributed.launch` shows the end of the log of one failed process: of the first by rank, though it need not be
the first to fail.  So the first to fail leaves a note in the launcher's log folder.  The others, which fail because it
is gone or wait for it in vain, find the note, keep silent, and end a little later with the exit code of the first.
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

LOOK_EVERY = 0.5  # seconds between two looks for the note
GRACE = 2.0  # seconds in which the launcher, which looks every second, sees the first failure alone


@contextlib.contextmanager
def report_failure():
    """Around what a process does: lets the first failure of the run through and silences those that follow from it."""
    if int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) == 1:
        yield
        return
    note, done = FailureNote(), threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(note.read() or 128 + number))
    threading.Thread(target=end_with, args=(note, done), name="failures of others", daemon=True).start()
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
            time.sleep(10 * GRACE)  # the thread ends this process
        if lost_connection(error):
            raise EnvironmentProblem(
                f"rank {os.environ.get('PADDLE_TRAINER_ID')} lost another process, which was killed or is out of "
                f"reach; see the other workerlog files in {os.environ.get('PADDLE_LOG_DIR', 'log')}\n  {error}"
            ) from error
        raise
    finally:
        done.set()


class FailureNote:
    """The file in which the first process to fail leaves its exit code; the same for all processes of one launch."""

    def __init__(self):
        folder = Path(os.environ.get("PADDLE_LOG_DIR", "."))
        self.path = folder / f".failed.{os.environ.get('POD_NAME', 'pod')}.{os.getppid()}"
        self.own = False

    def leave(self, code):
        """Notes that this process fails with `code`; returns whether it is the first (bool)."""
        if self.read() is None:
            self.path.unlink(missing_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            draft.write_text(str(code))
            os.link(draft, self.path)  # the note appears whole, and once
        except FileExistsError:
            return False
        except OSError:
            pass  # nowhere to write: every process speaks for itself
        finally:
            draft.unlink(missing_ok=True)
        self.own = True
        return True

    def read(self):
        """The exit code of the first process of this run to fail, or None."""
        try:
            from_before_a_restart = self.path.stat().st_mtime < process_start()
            return None if from_before_a_restart else int(self.path.read_text())
        except OSError:
            return None


@functools.cache
def process_start():
    """When the operating system started this process, in seconds since 1970."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])  # field 22 of proc(5)
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")


def end_with(note, done):
    """Runs in a thread: once another process has failed, ends this one, whatever it is doing."""
    while not done.wait(LOOK_EVERY):
        code = None if note.own else note.read()
        if code is not None:
            time.sleep(GRACE)
            os._exit(code)


def lost_connection(error):
    """Whether an exception says that another process has gone."""
    text = str(error)
    return isinstance(error, RuntimeError) and any(word in text for word in ("gloo", "by peer", "TCPStore", "NCCL"))
