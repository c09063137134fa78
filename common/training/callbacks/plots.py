"""Plots in the folder of a run: loss, learning rate, scores, predictions, and the report of the metric."""

import time
from pathlib import Path

from common.training import plotting
from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import read_json_lines
from common.training.report import Findings, try_each, write_report


class Plots(Callback):
    """Writes `plots/*.png` at the end of a run, and after an evaluation if the last plots are old enough.

    Errors are logged as warnings and never end a run. What a metric may offer, such as curves and a confusion matrix,
    see `common.contract.Metric`, is written by `common.training.report`.

    Args:
        seconds (float): minimum time between two updates of the plots during training.
        draw (Callable): from a batch and the model's outputs to a list of images, uint8 [H, W, 3] RGB; None to
            show only the trainer's `samples`.
    """

    def __init__(self, seconds=60.0, draw=None):
        self.seconds = seconds
        self.draw = draw
        self.drawn = time.monotonic()

    def after_evaluation(self, trainer):
        """Draws the plots if they are due."""
        if time.monotonic() - self.drawn > self.seconds:
            self.run(trainer)
            self.drawn = time.monotonic()

    def on_train_end(self, trainer):
        """Draws the plots."""
        self.run(trainer)

    def run(self, trainer):
        """Draws all plots for which there are data."""
        folder = Path(trainer.folder) / "plots"
        records = [record for _, record in read_json_lines(Path(trainer.folder) / "metrics.jsonl")]
        metric = getattr(trainer, "metric", None)
        parts = (self._losses, self._scores, self._samples)
        if try_each(parts, folder, records, metric, trainer) and metric is not None:
            write_report(folder, Findings(metric, trainer.config.get("labels")))

    def _losses(self, folder, records, metric, trainer):
        records = [record for record in records if record["kind"] == "train"]
        if records:
            steps, columns = to_columns(records)
            rates = {name: columns.pop(name) for name in list(columns) if name == "lr" or name.startswith("lr_")}
            plotting.draw_rates(folder / "lr.png", steps, rates)
            plotting.draw_losses(folder / "loss.png", steps, columns)

    def _scores(self, folder, records, metric, trainer):
        records = [record for record in records if record["kind"] == "eval"]
        if records:
            plotting.draw_scores(folder / "scores.png", *to_columns(records), primary=getattr(metric, "primary", None))

    def _samples(self, folder, records, metric, trainer):
        images = list(getattr(trainer, "samples", None) or [])
        if not images and self.draw:
            for batch, outputs in getattr(trainer, "predictions", None) or []:
                images += self.draw(batch, outputs)
                if len(images) >= 16:
                    break
        if images:
            plotting.draw_mosaic(folder / "predictions.png", images[:16])


def to_columns(records):
    """Records as (steps, {name: list of floats}); NaN where a record lacks a number."""
    names = dict.fromkeys(name for record in records for name in record if name not in ("kind", "step", "epoch"))
    columns = {name: [to_float(record.get(name)) for record in records] for name in names}
    return [record["step"] for record in records], {name: mask_unknown(values) for name, values in columns.items()}


def mask_unknown(values):
    """Replaces -1, by which COCO marks undefined scores, by NaN if the other values are between 0 and 1."""
    if all(value == -1 or 0 <= value <= 1 or value != value for value in values):
        return [float("nan") if value == -1 else value for value in values]
    return values


def to_float(value):
    """A float; NaN for None."""
    return float("nan") if value is None else float(value)
