"""The progress bar on a terminal."""

import atexit
import logging
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from common.log import logger


class Bar:
    """A progress bar on the last line of the terminal; log lines scroll above it.

    It starts no thread (processes are forked while it is shown) and leaves the cursor visible.

    Args:
        total (int): steps of the whole run; None if unknown.
        done (int): steps done before.
        interval (float): seconds between two redraws.
    """

    def __init__(self, total, done=0, interval=0.2):
        console = Console(stderr=True)
        steps = "{task.completed:.0f}" + ("/{task.total:.0f}" if total else "")
        columns = [BarColumn(bar_width=None), TextColumn(steps)]
        if console.width >= 60:
            columns += [TextColumn("loss {task.fields[loss]}")]
            columns += [TextColumn("{task.percentage:.0f}%")] if total else []
        columns.append(TimeRemainingColumn(compact=True) if total else TimeElapsedColumn())
        self.progress = Progress(*columns, console=console, auto_refresh=False, transient=True, expand=True)
        self.interval = interval
        self.drawn = 0.0
        terminal = sys.stderr
        self.progress.start()
        console.show_cursor(True)
        self.handlers = [h for h in logger.handlers if isinstance(h, logging.StreamHandler) and h.stream is terminal]
        for handler in self.handlers:
            handler.setStream(sys.stderr)
        self.terminal = terminal
        self.task = self.progress.add_task("", total=total, completed=done, loss="-")
        atexit.register(self.close)

    def move(self, step, loss):
        """Updates the bar with the number of completed steps and the last loss."""
        now = time.monotonic()
        if now - self.drawn >= self.interval:
            self.drawn = now
            self.progress.update(self.task, completed=step, loss=f"{loss:.4g}", refresh=True)

    def close(self):
        """Removes the bar and returns the terminal to the log; safe to call twice."""
        atexit.unregister(self.close)
        for handler in self.handlers:
            handler.setStream(self.terminal)
        self.handlers = []
        self.progress.stop()
