"""Watchdog for data loading in the main process: exits if preparing a batch hangs."""

import faulthandler
import os
import sys
import tempfile
import threading
import time

from common.errors import Stalled
from common.log import logger


class Watchdog:
    """Exits this process if a `with` block on it exceeds the timeout, even if the block hangs in C code.

    Args:
        seconds (float): the timeout; 0 disables it.
        board (Board): has the sample being read.
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
        """Stops the watchdog thread."""
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
            "no batch for %g s: this process (pid %d) hangs\n  it is reading %s\n"
            "  fix: check that file and its disk, or increase the watchdog timeout",
            self.seconds,
            os.getpid(),
            self.board.read() or "the start",
        )
        sys.stderr.flush()
        os._exit(Stalled.exit_code)
