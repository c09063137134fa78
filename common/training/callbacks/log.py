"""Logging callback: log lines, the progress bar and `metrics.jsonl`.

`metrics.jsonl` contains only computed values, so that a resumed run writes the same bytes as an uninterrupted one;
values that depend on the machine and the time go to `timing.jsonl`.
"""

import os
import shlex
import sys
import time
from pathlib import Path

from common.config.yaml import display_path
from common.contract import get_optional
from common.inference.sources import OPTIONS
from common.inference.task import task_of
from common.log import counted, logger
from common.system.distributed import world_size
from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import JsonLines

WIDTH = 130  # of a message


class Log(Callback):
    """Logs the losses, the throughput, the estimated time left, and the scores of each evaluation.

    Args:
        every (int): updates between two log lines; the first and the last update are always logged.
        silence (float): seconds after which a line is printed even before `every` updates are done.
    """

    def __init__(self, every=20, silence=60.0):
        if every < 1:
            raise ValueError(f"log_every is {every}; it must be 1 or more")
        self.every = every
        self.silence = silence
        self.window = Window()
        self.lines = None
        self.metrics = None
        self.bar = None

    def on_train_start(self, trainer):
        """Truncates the files to the step that the run resumes from, and starts the timer."""
        if self.metrics:
            return
        folder = Path(trainer.folder)
        self.metrics = JsonLines(folder / "metrics.jsonl")
        self.timing = JsonLines(folder / "timing.jsonl")
        self.lines = self.metrics.keep_until(trainer.step, self.lines)
        self.timing.keep_until(trainer.step)
        self.first_step = trainer.step
        self.began = self.last_tick = self.last_line = time.perf_counter()
        self.cost = Window()
        self.bar = progress_bar(trainer.total_steps, trainer.step)

    def after_step(self, trainer):
        """Adds the step to the window; writes the means of the window when a line is due."""
        now = time.perf_counter()
        self.window.add(trainer.losses)
        self.cost.add({"batch": now - self.last_tick, "reader": trainer.loader.wait_seconds})
        self.last_tick = now
        if self.bar:
            self.bar.move(trainer.step, sum(trainer.losses.values()))
        if trainer.step == 1 or trainer.step % self.every == 0 or trainer.is_last_step():
            self._record(trainer)
        elif now - self.last_line > self.silence:
            self._print(trainer, self.window.means(), self._costs(trainer))

    def after_evaluation(self, trainer):
        """Logs the scores."""
        self.on_train_start(trainer)
        epoch = trainer.epoch + trainer.at_end
        self.metrics.write({"kind": "eval", "step": trainer.step, "epoch": epoch} | trainer.scores)
        self.lines += 1
        unknown = get_optional(trainer.metric, "metric", "undefined")
        scores = [f"{name} " + ("-" if value == unknown else f"{value:.4f}") for name, value in trainer.scores.items()]
        log_fields(f"eval {epoch_of(trainer)} step {trainer.step}", [*scores, *best_so_far(trainer)])
        self.last_tick = self.last_line = time.perf_counter()

    def after_epoch(self, trainer):
        """Excludes the time between epochs from batch_cost."""
        self.last_tick = time.perf_counter()

    def on_train_end(self, trainer):
        """Removes the progress bar."""
        if self.bar:
            self.bar.close()

    def state(self):
        """The unfinished window and the number of lines written; syncs the files to the disk."""
        if self.lines:
            self.metrics.flush()
        return {"lines": self.lines or 0, "window": self.window.state()}

    def load(self, state):
        """Restores the window, so that the next line equals that of an uninterrupted run."""
        if state:
            self.lines = state["lines"]
            self.window.load(state["window"])

    def _record(self, trainer):
        losses = self.window.means()
        costs = self._costs(trainer)
        record = {"kind": "train", "step": trainer.step, "epoch": trainer.epoch} | trainer.lrs
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
        step = f"step {trainer.step}" + (f"/{trainer.total_steps}" if trainer.total_steps else "")
        parts = [
            f"loss {sum(losses.values()):.5g}",
            *(f"{name} {value:.5g}" for name, value in losses.items() if len(losses) > 1),
            *(f"{name} {value:.6g}" for name, value in trainer.lrs.items()),
        ]
        speed = [
            f"batch_cost {costs['batch_cost']:.4f}",
            f"reader_cost {costs['reader_cost']:.4f}",
            f"ips {costs['ips']:.2f} samples/s",
            *([f"eta {clock(per_step * max(trainer.total_steps - trainer.step, 0))}"] if trainer.total_steps else []),
            f"mem {costs['memory'] / 2**30:.1f}G",
        ]
        self.last_line = now
        log_fields(f"{epoch_of(trainer)} {step}", parts, speed)


class NextSteps(Callback):
    """Logs the output folder and the commands for the next steps at the end of a run. The last of the callbacks."""

    def on_train_start(self, trainer):
        """Starts the timer."""
        self.began = time.perf_counter()

    def on_train_end(self, trainer):
        """Logs why the run ended early, if it did, then the commands that resume, evaluate and export this run."""
        if trainer.end_reason:
            logger.info("stopped early: %s", trainer.end_reason)
        logger.info(
            "%s, %s in %s; output folder: %s\n%s",
            epochs_text(trainer),
            counted(trainer.step, "step"),
            clock(time.perf_counter() - self.began),
            trainer.folder,
            "\n".join(f"  {what + ':':<9} {command}" for what, command in next_commands(trainer).items()),
        )


class Window:
    """Sums of named numbers since the last log line, which survive a round trip through JSON exactly."""

    def __init__(self):
        self.count = 0
        self.sums = {}

    def add(self, values):
        """Adds the numbers of one step."""
        self.count += 1
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value)

    def means(self):
        """The mean of each number over the steps of the window."""
        return {name: total / self.count for name, total in self.sums.items()}

    def state(self):
        """The state for checkpoints, as JSON values."""
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
    """Resident memory of this process in bytes; 0 if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def epochs_text(trainer):
    """The number of epochs that a run has had, of those it is configured for unless an earlier run had more."""
    if trainer.epoch > trainer.epochs:
        return f"{counted(trainer.epoch, 'epoch')} (train.epochs is {trainer.epochs}: nothing is left to train)"
    return f"{trainer.epoch} of {counted(trainer.epochs, 'epoch')}"


def next_commands(trainer):
    """{purpose: command} to resume, evaluate, export and predict with this run, by the scripts of its kit."""
    script = Path(sys.argv[0])
    tools = script.parent if script.name == "train.py" else Path("tools")
    weights = Path(trainer.folder) / ("best" if trainer.best else "last")
    path = trainer.config.path  # a configuration given as a dict has no file; the saved one does
    config = shlex.quote(str(display_path(path if path.is_file() else weights / "config.yml")))
    changed = [text for text in trainer.config.overrides if not text.startswith(("weights=", "pretrained="))]
    keys = f"-o {shlex.join([f'weights={weights}', *changed])}"
    options = "".join([" --eval" if trainer.best else "", f" -o {shlex.join(changed)}" if changed else ""])
    logs = shlex.quote(str(Path(trainer.folder) / "log"))  # not in the folder that one happens to be in
    several = (
        f"-m paddle.distributed.launch --nproc_per_node {world_size()} --log_dir {logs} " if world_size() > 1 else ""
    )
    given = OPTIONS.get(task_of(trainer.config, trainer.model).input)
    commands = {
        "resume": f"python {several}{tools / 'train.py'} -c {config} -r auto{options}",
        "evaluate": f"python {tools / 'eval.py'} -c {config} {keys}",
        "export": f"python {tools / 'export.py'} -c {config} {keys}",
    }
    if given:
        commands["predict"] = f"python {tools / 'infer.py'} -c {config} {given} {keys}"
    return commands


def best_so_far(trainer):
    """The best score so far, as a list of one text; empty without one, or if it is the current one."""
    if not trainer.best or trainer.best["step"] == trainer.step:
        return []
    return [f"(best {trainer.best['metric']} {trainer.best['score']:.4f} at step {trainer.best['step']})"]


def epoch_of(trainer):
    """The current epoch, counted from 1, for the lines of training and of evaluation."""
    return f"epoch {min(trainer.epoch + 1, trainer.epochs)}/{trainer.epochs}"


def log_fields(head, *groups, width=WIDTH):
    """Logs groups of fields in one line, or a line per group if that is too long; every line begins with the head."""
    whole = [field for group in groups for field in group]
    for group in [whole] if len(" ".join([head, *whole])) <= width else groups:
        line = head
        for field in group:
            if len(line) + 1 + len(field) > width and line != head:
                logger.info(line)
                line = head
            line += f" {field}"
        logger.info(line)


def progress_bar(total, done):
    """A :class:`Bar` if standard error is a terminal that can redraw a line, else None."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from common.training.callbacks.bar import Bar

    return Bar(total, done)
