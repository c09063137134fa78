"""Pictures in the folder of a run: loss, learning rate, scores, precision and recall, confusion, predictions."""

import time
from pathlib import Path

from common.log import logger
from common.training import plotting
from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import read_lines


class Plots(Callback):
    """Writes `plots/*.png` at the end of a run, and after an evaluation if the last time was a while ago.

    What goes wrong here is a warning and never ends a run. After an evaluation a metric may offer, each by a method
    without arguments:
        confusion()   counts [C, C] of true (rows) and answered (columns) classes, or [C + 1, C + 1] with the
                      background last; None draws nothing. The names are its `labels`, else the configuration's
        curves()      {class: (recall, precision)}, arrays of equal length

    Args:
        seconds (float): the least time between two drawings while training.
        draw (Callable): from a batch and the model's outputs to a list of pictures, uint8 [H, W, 3] RGB; None to
            show only what the trainer holds as `samples`.
    """

    def __init__(self, seconds=60.0, draw=None):
        self.seconds = seconds
        self.draw = draw
        self.drawn = time.monotonic()

    def after_evaluation(self, trainer):
        """Draws if it is time."""
        if time.monotonic() - self.drawn > self.seconds:
            self.run(trainer)
            self.drawn = time.monotonic()

    def on_train_end(self, trainer):
        """Draws everything."""
        self.run(trainer)

    def run(self, trainer):
        """Draws everything there is to draw."""
        folder = Path(trainer.folder) / "plots"
        records = [record for _, record in read_lines(Path(trainer.folder) / "metrics.jsonl")]
        metric = getattr(trainer, "metric", None)
        for what in (self._losses, self._scores, self._curves, self._confusion, self._samples):
            try:
                what(folder, records, metric, trainer)
            except ImportError as error:
                logger.warning("no plots: %s; pip install matplotlib", error)
                return
            except Exception as error:  # noqa: BLE001 whatever goes wrong in a drawing, the run goes on
                logger.warning("plots: %s: %s: %s", what.__name__.strip("_"), type(error).__name__, error)

    def _losses(self, folder, records, metric, trainer):
        records = [record for record in records if record["kind"] == "train"]
        if records:
            steps, columns = table(records)
            rates = {name: columns.pop(name) for name in list(columns) if name == "lr" or name.startswith("lr_")}
            plotting.draw_rates(folder / "lr.png", steps, rates)
            plotting.draw_losses(folder / "loss.png", steps, columns)

    def _scores(self, folder, records, metric, trainer):
        records = [record for record in records if record["kind"] == "eval"]
        if records:
            plotting.draw_scores(folder / "scores.png", *table(records), primary=getattr(metric, "primary", None))

    def _curves(self, folder, records, metric, trainer):
        curves = metric.curves() if hasattr(metric, "curves") else None
        if curves:
            plotting.draw_precision_recall(folder / "precision_recall.png", curves)

    def _confusion(self, folder, records, metric, trainer):
        matrix = metric.confusion() if hasattr(metric, "confusion") else None
        if matrix is not None:
            labels = getattr(metric, "labels", None) or trainer.config.get("labels") or []
            plotting.draw_confusion(folder / "confusion.png", matrix, axis_names(labels, len(matrix)))

    def _samples(self, folder, records, metric, trainer):
        pictures = list(getattr(trainer, "samples", None) or [])
        if not pictures and self.draw:
            for batch, outputs in getattr(trainer, "answers", None) or []:
                pictures += self.draw(batch, outputs)
                if len(pictures) >= 16:
                    break
        if pictures:
            plotting.draw_mosaic(folder / "predictions.png", pictures[:16])


def table(records):
    """Records as (steps, columns of floats by name); NaN where a record lacks a number."""
    names = dict.fromkeys(name for record in records for name in record if name not in ("kind", "step", "epoch"))
    columns = {name: [number(record.get(name)) for record in records] for name in names}
    return [record["step"] for record in records], {name: known(values) for name, values in columns.items()}


def known(values):
    """NaN in place of -1 where the others are shares: COCO's sign for what no sample has."""
    if all(value == -1 or 0 <= value <= 1 or value != value for value in values):
        return [float("nan") if value == -1 else value for value in values]
    return values


def number(value):
    """A float; NaN for null or for what is missing."""
    return float("nan") if value is None else float(value)


def axis_names(labels, count):
    """`count` names for the axes of a confusion matrix: the labels, and `background` if there is one more class."""
    names = [str(label) for label in labels] + ["background"]
    return names[:count] if len(names) >= count else [str(i) for i in range(count)]
