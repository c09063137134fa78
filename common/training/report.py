"""Report of a metric after an evaluation: a table of the classes, plots, and the numbers of each plot as CSV beside it.

Every metric gets the parts for which it has the optional methods of `common.contract.Metric`.
"""

import csv
import functools
import io
from pathlib import Path

import numpy as np

from common.contract import get_optional
from common.inference.scored import pooled
from common.log import logger
from common.training import curve_plots, plotting
from common.weights.safetensors import write_atomically

OVERALL = "all classes"
MOST_POINTS = 500  # of a curve


class Findings:
    """Results of a metric after an evaluation, each computed once.

    Args:
        metric (object): see `common.contract.Metric`.
        labels (list[str]): class names, if the metric has none.
    """

    def __init__(self, metric, labels=None):
        self.metric, self.labels = metric, get_optional(metric, "metric", "labels") or labels or []

    @functools.cached_property
    def per_class(self):
        """{class: {column: number}}; empty if the metric has none."""
        return self.metric.per_class() if hasattr(self.metric, "per_class") else {}

    @functools.cached_property
    def scored(self):
        """{class: Scored}, those without a prediction too; empty if the metric has no prediction."""
        found = self.metric.scored() if hasattr(self.metric, "scored") else {}
        return found if any(len(part.scores) for part in found.values()) else {}

    @property
    def complete(self):
        """:attr:`scored` of the classes with a score of every sample, and with positives and negatives."""
        return {name: part for name, part in self.scored.items() if part.complete and part.auc() == part.auc()}


def write_report(folder, findings):
    """Writes all parts that the metric offers; errors are logged as warnings.

    Args:
        folder (str | Path): for the files.
        findings (Findings): of the metric.
    """
    try_each(PARTS, Path(folder), findings)


def try_each(parts, *args):
    """Calls functions; errors are logged as warnings. False, without the rest, if matplotlib is not installed."""
    for part in parts:
        try:
            part(*args)
        except ImportError as error:
            logger.warning("no plots: %s; pip install matplotlib", error)
            return False
        except Exception as error:  # noqa: BLE001 no error of a plot may end the run
            logger.warning("plots: %s: %s: %s", part.__name__.strip("_"), type(error).__name__, error)
    return True


def per_class(folder, findings):
    """`per_class.csv`, see :func:`class_rows`."""
    head, rows = class_rows(findings)
    if rows:
        write_table(folder / "per_class.csv", head, rows)


def class_rows(findings):
    """The table of the classes: its head and its rows, None for undefined numbers; no rows if the metric has none.

    `best F1` is the maximum over the thresholds, and `at score` the threshold at which it is reached.
    """
    table, scored = findings.per_class, findings.scored
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    with_best = "F1" not in columns and not scored.keys().isdisjoint(table)
    rows = []
    for name, row in table.items():
        numbers = [row.get(column) for column in columns]
        if with_best:
            best = (scored[name].best() if name in scored else None) or {}
            numbers += [best.get("F1"), best.get("threshold")]
        rows.append([name, *(None if value is None or value == -1 or value != value else value for value in numbers)])
    return ["class", *columns, *(["best F1", "at score"] if with_best else [])], rows


def curves(folder, findings):
    """`precision_recall.png` and `.csv`."""
    metric = findings.metric
    found = metric.curves() if hasattr(metric, "curves") else None
    if found:
        rows = findings.per_class
        areas = {name: rows.get(name, {}).get("AP50", rows.get(name, {}).get("AP")) for name in found}
        areas = None if None in areas.values() else areas  # of the same IoU as the curves
        plotting.draw_precision_recall(folder / "precision_recall.png", found, areas)
        write_table(folder / "precision_recall.csv", ["class", "recall", "precision"], points_of(found))


def thresholds(folder, findings):
    """`thresholds.png` and `.csv`: precision, recall and F1 over the score threshold."""
    scored = findings.scored
    if scored:
        curve_plots.draw_thresholds(folder / "thresholds.png", scored)
        every = {OVERALL: pooled(list(scored.values()))} | scored if len(scored) > 1 else scored
        rows = points_of({name: part.points() for name, part in every.items()})
        write_table(folder / "thresholds.csv", ["class", "threshold", "precision", "recall", "F1"], rows)


def roc(folder, findings):
    """`roc.png` and `.csv` of a metric that has a score of every sample."""
    scored = findings.complete
    if scored:
        curve_plots.draw_roc(folder / "roc.png", scored)
        rows = points_of({name: part.roc() for name, part in scored.items()})
        write_table(folder / "roc.csv", ["class", "false positive rate", "true positive rate"], rows)


def calibration(folder, findings):
    """`calibration.png` and `.csv` of a metric that has a score of every sample."""
    scored = findings.complete
    if scored:
        curve_plots.draw_calibration(folder / "calibration.png", scored)
        rows = points_of({name: part.calibration() for name, part in scored.items()})
        write_table(folder / "calibration.csv", ["class", "mean score", "observed rate", "samples"], rows)


def confusion(folder, findings):
    """`confusion.png` and `.csv`."""
    metric = findings.metric
    matrix = metric.confusion() if hasattr(metric, "confusion") else None
    if matrix is not None:
        names = axis_names(findings.labels, len(matrix))
        at = get_optional(metric, "metric", "confusion_at")
        plotting.draw_confusion(folder / "confusion.png", matrix, names, at)
        rows = [[name, *row] for name, row in zip(names, matrix.tolist(), strict=True)]
        write_table(folder / "confusion.csv", ["true \\ predicted", *names], rows)


def worst(folder, findings):
    """`worst_01.jpg` and so on of the samples with the lowest scores, and `worst.csv`, if the metric keeps them."""
    samples = findings.metric.worst() if hasattr(findings.metric, "worst") else []
    if samples:
        from common.vision.writers import encode_jpeg

        for old in folder.glob("worst_*.jpg"):
            old.unlink()
        names = [f"worst_{rank:02d}.jpg" for rank in range(1, len(samples) + 1)]
        for name, sample in zip(names, samples):
            write_atomically(folder / name, [encode_jpeg(sample["drawing"])])
        rows = [[name, sample["score"], sample["name"]] for name, sample in zip(names, samples)]
        write_table(folder / "worst.csv", ["drawing", "score", "sample"], rows)


PARTS = (per_class, curves, thresholds, roc, calibration, confusion, worst)


def axis_names(labels, count):
    """`count` axis labels of a confusion matrix: the class names, and `background` for an additional class."""
    names = [str(label) for label in labels] + ["background"]
    return names[:count] if len(names) >= count else [str(i) for i in range(count)]


def points_of(curves):
    """The rows (class, x, y, ...) of curves {class: arrays of equal length}, at most MOST_POINTS of each."""
    return [[name, *point] for name, curve in curves.items() for point in zip(*map(thinned, curve))]


def thinned(values):
    """At most MOST_POINTS of the values, evenly spaced, with the first and the last one, as a list."""
    values = np.asarray(values)
    if len(values) > MOST_POINTS:
        values = values[np.linspace(0, len(values) - 1, MOST_POINTS).round().astype(int)]
    return values.tolist()


def write_table(path, head, rows):
    """Writes a CSV file; numbers have six significant digits, and None is an empty field."""
    text = io.StringIO()
    cells = ([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows([head, *cells])
    write_atomically(path, [text.getvalue().encode()])
