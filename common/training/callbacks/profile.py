"""Profiler callback for a few training steps (`--profile`)."""

import contextlib
import io
from pathlib import Path

from common.log import logger
from common.training.callbacks.callback import Callback


class Profile(Callback):
    """Profiles the operators of some steps: a summary, and a trace for chrome://tracing.

    `profile/summary.txt` lists the operators by total time; `profile/trace.json` is the timeline.

    Args:
        steps (list[int]): the first step and the one after the last, counted from the start or resumption of the run.
    """

    def __init__(self, steps=(10, 15)):
        self.first, self.end = steps
        if not 0 <= self.first < self.end:
            raise ValueError(f"steps is {list(steps)}; the first must be less than the second, and neither negative")
        self.profiler = None
        self.done = 0

    def on_train_start(self, trainer):
        """Starts the profiler if the range includes the first step."""
        self._advance(trainer)

    def after_step(self, trainer):
        """Starts before the first step of the range and stops after the last."""
        self.done += 1
        if self.profiler and self.done < self.end:
            self.profiler.step(num_samples=trainer.samples_per_step)
        self._advance(trainer)

    def on_train_end(self, trainer):
        """Writes the profile so far if the run was shorter."""
        if self.profiler:
            self._write(trainer)
        elif self.done < self.first:
            logger.warning("--profile: the run ended after %d steps, before step %d", self.done, self.first)

    def _advance(self, trainer):
        if self.done == self.first:
            import paddle.profiler as profiler

            self.profiler = profiler.Profiler(on_trace_ready=lambda _: None)
            self.profiler.start()
        elif self.done == self.end and self.profiler:
            self._write(trainer)

    def _write(self, trainer):
        from paddle.profiler import SortedKeys

        profiler, self.profiler = self.profiler, None
        profiler.stop()
        folder = Path(trainer.folder) / "profile"
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            profiler.summary(sorted_by=SortedKeys.CPUTotal, op_detail=False, thread_sep=False, time_unit="ms")
        (folder / "summary.txt").write_text(text.getvalue(), encoding="utf-8")
        profiler.export(str(folder / "trace.json"), format="json")
        logger.info("profile of steps %d to %d: %s", self.first + 1, self.done, folder / "summary.txt")
