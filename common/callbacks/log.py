"""The log line, the progress bar and `metrics.jsonl`.

`metrics.jsonl` holds only what the run computes, so a run that was killed and resumed writes the same bytes as one that
was not; what depends on the machine and the hour goes to `timing.jsonl`.
"""

import os
import sys
import time
from pathlib import Path

from common.callbacks.callback import Callback
from common.callbacks.lines import JsonLines
from common.log import logger


class Log(Callback):
    """Logs the losses, the speed and the time left, and the scores of each evaluation.

    Args:
        every (int): updates between two lines; the first and the last update are always logged.
        silence (float): seconds after which a line is printed even if fewer than `every` updates were done.
    """

    def __init__(self, every=20, silence=60.0):
        if every < 1:
            raise ValueError(f"log_every is {every}; it must be 1 or more")
        self.every = every
        self.silence = silence
        self.window = Window()
        self.lines = None
        self.logged_scores = None
        self.bar = None

    def on_train_start(self, trainer):
        """Cuts the files back to the step the run goes on from, and starts the clock."""
        folder = Path(trainer.folder)
        self.metrics = JsonLines(folder / "metrics.jsonl")
        self.timing = JsonLines(folder / "timing.jsonl")
        self.lines = self.metrics.keep_until(trainer.step, self.lines)
        self.timing.keep_until(trainer.step)
        self.first_step = trainer.step
        self.began = self.last_tick = self.last_line = time.perf_counter()
        self.away = 0.0
        self.cost = Window()
        self.bar = progress_bar(trainer.total_steps, trainer.step)

    def after_step(self, trainer):
        """Adds the step to the window; every so often writes the window's means."""
        now = time.perf_counter()
        self.window.add(trainer.losses)
        self.cost.add({"batch": now - self.last_tick, "reader": trainer.loader.wait_seconds})
        self.last_tick = now
        if self.bar:
            self.bar.move(trainer.step, sum(trainer.losses.values()))
        if trainer.step == 1 or trainer.step % self.every == 0 or trainer.step == trainer.total_steps:
            self._record(trainer)
        elif now - self.last_line > self.silence:
            self._print(trainer, self.window.means(), self._costs(trainer))

    def at_epoch_end(self, trainer):
        """Logs the scores if the evaluation callback has already run."""
        self._log_scores(trainer, trainer.epoch + 1)

    def after_epoch(self, trainer):
        """Logs the scores if that was not done, and leaves the evaluation out of the cost of a batch."""
        self._log_scores(trainer, trainer.epoch)
        self.last_tick = time.perf_counter()

    def on_train_end(self, trainer):
        """Says where everything is and how to go on."""
        if self.bar:
            self.bar.close()
        seconds = time.perf_counter() - self.began
        logger.info(
            "%d of %d epochs, %d steps, %s of training; everything is in %s\n%s",
            trainer.epoch,
            trainer.epochs,
            trainer.step,
            clock(seconds),
            trainer.folder,
            "\n".join(f"  {what:<9} {command}" for what, command in next_commands(trainer)),
        )

    def state(self):
        """The unfinished window and the number of lines written; makes sure that the lines are on the disk."""
        if self.lines:
            self.metrics.flush()
        return {"lines": self.lines or 0, "window": self.window.state()}

    def load(self, state):
        """Takes back the window, so that the next line is the one an uninterrupted run would write."""
        self.lines = state["lines"]
        self.window.load(state["window"])

    def _record(self, trainer):
        losses = self.window.means()
        costs = self._costs(trainer)
        record = {"kind": "train", "step": trainer.step, "epoch": trainer.epoch, "lr": trainer.lr}
        self.metrics.write(record | {"loss": sum(losses.values())} | losses)
        self.timing.write({"step": trainer.step} | costs)
        self.lines += 1
        self._print(trainer, losses, costs)
        self.window = Window()
        self.cost = Window()

    def _costs(self, trainer):
        means = self.cost.means()
        return {
            "batch_cost": means["batch"],
            "reader_cost": means["reader"],
            "ips": trainer.samples_per_step / max(means["batch"], 1e-9),
            "memory": memory(),
        }

    def _print(self, trainer, losses, costs):
        now = time.perf_counter()
        per_step = (now - self.began) / max(trainer.step - self.first_step, 1)
        parts = [
            f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}",
            f"step {trainer.step}/{trainer.total_steps}",
            f"loss {sum(losses.values()):.5g}",
            *(f"{name} {value:.5g}" for name, value in losses.items() if len(losses) > 1),
            f"lr {trainer.lr:.6g}",
            f"batch_cost {costs['batch_cost']:.4f}",
            f"reader_cost {costs['reader_cost']:.4f}",
            f"ips {costs['ips']:.2f} samples/s",
            f"eta {clock(per_step * max(trainer.total_steps - trainer.step, 0))}",
            f"mem {costs['memory'] / 2**30:.1f}G",
        ]
        self.last_line = now
        logger.info(" ".join(parts))

    def _log_scores(self, trainer, epoch):
        if not trainer.scores or trainer.scores_step != trainer.step or self.logged_scores == trainer.step:
            return
        self.logged_scores = trainer.step
        self.metrics.write({"kind": "eval", "step": trainer.step, "epoch": epoch} | dict(trainer.scores))
        self.lines += 1
        self.last_line = time.perf_counter()
        scores = " ".join(f"{name} {value:.4f}" for name, value in trainer.scores.items())
        logger.info("eval epoch %d/%d step %d %s", epoch, trainer.epochs, trainer.step, scores)


class Window:
    """Sums of named numbers since the last line; the sums go through JSON unchanged."""

    def __init__(self):
        self.count = 0
        self.sums = {}

    def add(self, values):
        """Adds one step's numbers."""
        self.count += 1
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def means(self):
        """The mean of each number over the steps of the window."""
        return {name: total / self.count for name, total in self.sums.items()}

    def state(self):
        """Plain JSON values."""
        return {"count": self.count, "sums": dict(self.sums)}

    def load(self, state):
        """The inverse of :meth:`state`."""
        self.count = state["count"]
        self.sums = dict(state["sums"])


def clock(seconds):
    """3723 -> 1:02:03"""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def memory():
    """Bytes of main memory this process holds; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def next_commands(trainer):
    """The commands that go on from a run, as (what, command) pairs, for the scripts the run was started with."""
    script = Path(sys.argv[0])
    tools = script.parent if script.name == "train.py" else Path("tools")
    config = getattr(trainer.config, "path", None) or Path(trainer.folder) / "last" / "config.yml"
    weights = Path(trainer.folder) / ("best" if (Path(trainer.folder) / "best").exists() else "last")
    return [
        ("resume:", f"python {tools / 'train.py'} -c {config} -r auto"),
        ("evaluate:", f"python {tools / 'eval.py'} -c {config} -o weights={weights}"),
        ("export:", f"python {tools / 'export.py'} -c {config} -o weights={weights}"),
    ]


def progress_bar(total, done):
    """A :class:`common.callbacks.bar.Bar` when standard error is a terminal that can redraw a line, else None."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from common.callbacks.bar import Bar

    return Bar(total, done)
