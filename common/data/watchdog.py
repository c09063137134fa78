"""Ends a process that is stuck in its own data."""

import faulthandler
import os
import sys
import tempfile
import threading
import time

from common.errors import Stalled
from common.log import logger


class Watch:
    """Ends this process when a `with` block on it takes too long; works also when the block is stuck in C code.

    Args:
        seconds (float): the longest a block may take; 0 lets it take for ever.
        board (Board): tells which sample was being read.
    """

    def __init__(self, seconds, board):
        self.seconds, self.board, self.deadline = seconds, board, None
        self.closed = threading.Event()
        if seconds:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def __enter__(self):
        self.deadline = time.monotonic() + self.seconds

    def __exit__(self, *error):
        self.deadline = None

    def close(self):
        """Ends the watch."""
        self.closed.set()

    def _run(self):
        while not self.closed.wait(min(1.0, self.seconds / 4)):
            deadline = self.deadline
            if deadline and time.monotonic() > deadline:
                self._end_process()

    def _end_process(self):
        with tempfile.TemporaryFile("w+") as stacks:
            faulthandler.dump_traceback(stacks, all_threads=True)
            stacks.seek(0)
            logger.error("the stacks of this process:\n%s", stacks.read())
        logger.error(
            "no batch for %g s: this process (pid %d) is stuck\n  it is at %s\n"
            "  fix: look at that file and the disk it is on, or raise the watchdog",
            self.seconds,
            os.getpid(),
            self.board.read() or "the start",
        )
        sys.stderr.flush()
        os._exit(Stalled.exit_code)
