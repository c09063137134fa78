"""When one of several processes fails, all end, and the launcher's last lines are that process's error.

`paddle.distributed.launch` shows the end of the log of one failed process: the first by rank, though not the first to
fail.  So the first to fail leaves a note in the launcher's log folder; the others, which fail because it is gone, find
the note, keep silent and wait to be ended by the launcher, with the exit code of the first.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from common.errors import KitError, Stopped

PATIENCE = 30.0  # seconds a silent process waits for the launcher


@contextlib.contextmanager
def report_failure():
    """Around what a process does: lets the first failure of the run through and silences those that follow from it."""
    started = time.time()
    try:
        yield
    except Stopped:
        raise
    except Exception as error:
        if int(os.environ.get("PADDLE_TRAINERS_NUM", "1")) > 1:
            code = error.exit_code if isinstance(error, KitError) else 1
            first = note_failure(code, started)
            if first is not None:
                wait_for_the_end(first)
        raise


def note_failure(code, started):
    """Notes that this process fails with `code`; returns the code of a process that failed before it, or None."""
    folder = Path(os.environ.get("PADDLE_LOG_DIR", "."))
    note = folder / f".failed.{os.environ.get('POD_NAME', 'pod')}.{os.getppid()}"
    if note.exists() and note.stat().st_mtime < started:
        note.unlink(missing_ok=True)  # from before a restart
    draft = note.with_name(f"{note.name}.{os.getpid()}")
    try:
        draft.write_text(str(code))
        os.link(draft, note)  # fails if there is one: the note appears whole, and once
    except FileExistsError:
        return int(note.read_text())
    except OSError:
        return None  # no folder to write to: every process speaks for itself
    finally:
        draft.unlink(missing_ok=True)
    return None


def wait_for_the_end(code):
    """Says nothing more, and ends with `code` when the launcher asks for it."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(code))
    sys.stderr.flush()
    time.sleep(PATIENCE)
    os._exit(code)
