"""Plots of scored predictions: precision, recall and F1 over the threshold, ROC curves, calibration."""

from common.inference.scored import pooled
from common.training.plotting import COLORS, finish_axes, make_printable, new_figure, shorten_label

FEW = 5  # classes in color where not all are


def draw_thresholds(path, scored):
    """Plots precision, recall and F1 of all classes over the score threshold, and below F1 of each class.

    Args:
        path (Path): the PNG to write.
        scored (dict[str, Scored]): by class.
    """
    whole = pooled(list(scored.values()))
    best, several = whole.best(), len(scored) > 1
    scored = {name: part for name, part in scored.items() if len(part.scores)}
    with new_figure(path, height=7.5 if several else 4.2) as figure:
        figure.subplots_adjust(hspace=0.35)
        axes = figure.add_subplot(1 + several, 1, 1)
        threshold, *lines = whole.points()
        for name, line, color, width in zip(("precision", "recall", "F1"), lines, COLORS, (1.4, 1.4, 2.4)):
            steps(axes, threshold, line, color=color, linewidth=width, label=name)
        if best:
            text = f"maximum F1 {best['F1']:.3f}\nat {best['threshold']:g}"
            axes.axvline(best["threshold"], color="#666666", linewidth=1, linestyle="--", label=text)
        set_limits(axes, whole)
        finish_axes(axes, "Precision, recall and F1 over the score threshold", "score threshold", "")
        if several:
            axes = figure.add_subplot(2, 1, 2)
            values = {name: (part.best() or {"F1": 0.0})["F1"] for name, part in scored.items()}
            for name, color, width, label in styles(scored, values):
                threshold, _, _, f1 = scored[name].points()
                steps(axes, threshold, f1, color=color, linewidth=width, label=label)
            set_limits(axes, whole)
            few = len(scored) <= len(COLORS)
            title = "F1 of each class and its maximum" + ("" if few else ", five worst classes in color")
            finish_axes(axes, title, "score threshold", "")


def draw_roc(path, scored):
    """Plots the ROC curves with their AUC.

    Args:
        path (Path): the PNG to write.
        scored (dict[str, Scored]): by class, complete.
    """
    with new_figure(path, width=6.5, height=4.8) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--", label="chance: 0.500")
        for name, color, width, label in styles(scored, {n: part.auc() for n, part in scored.items()}):
            axes.plot(*scored[name].roc(), color=color, linewidth=width, label=label)
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
        axes.set_aspect("equal")
        finish_axes(axes, "ROC curve and AUC", "false positive rate", "true positive rate")


def draw_calibration(path, scored):
    """Plots the observed rate over the mean score of quantile bins, with the expected calibration error.

    Args:
        path (Path): the PNG to write.
        scored (dict[str, Scored]): by class, complete.
    """
    errors = {name: part.calibration_error() for name, part in scored.items()}
    with new_figure(path, width=6.5, height=4.8) as figure:
        axes = figure.add_subplot()
        top = 0.0
        for name, color, width, label in styles(scored, errors, highest_is_worst=True):
            score, rate, _ = scored[name].calibration()
            top = max(top, *score, *rate)
            axes.plot(score, rate, color=color, linewidth=width, marker="o", markersize=4, label=label)
        top = min(1.0, 1.08 * top)
        axes.plot([0, top], [0, top], color="#999999", linewidth=1, linestyle="--", label="calibrated")
        axes.set_xlim(-0.02 * top, 1.02 * top)
        axes.set_ylim(-0.02 * top, 1.02 * top)
        axes.set_aspect("equal")
        finish_axes(axes, "Calibration and its error (ECE)", "mean predicted probability of a bin", "observed rate")


def styles(scored, values, highest_is_worst=False):
    """(class, color, line width, label) of each curve, gray ones first: all in color if few, else the worst.

    Args:
        scored (dict[str, Scored]): by class.
        values (dict[str, float]): by class; beside its name, and the worst are in color.
        highest_is_worst (bool): of the values.
    """
    worst_first = sorted(scored, key=lambda name: -values[name] if highest_is_worst else values[name])
    colored = list(scored) if len(scored) <= len(COLORS) else worst_first[:FEW]
    shown = dict(zip(scored, make_printable(scored), strict=True))
    gray = [(name, "#cccccc", 0.8, None) for name in scored if name not in colored]
    return gray + [
        (name, color, 1.8, f"{shorten_label(shown[name])}: {values[name]:.3f}") for name, color in zip(colored, COLORS)
    ]


def steps(axes, thresholds, values, **style):
    """Draws a function of the threshold, which is constant between two scores; `thresholds` descend."""
    start = min(0.0, thresholds[-1])
    axes.step([start, *thresholds[::-1]], [values[-1], *values[::-1]], where="pre", **style)


def set_limits(axes, whole):
    """Sets the limits of an axis of thresholds and one of shares."""
    low, high = float(whole.scores[0]), float(whole.scores[-1])
    axes.set_xlim(min(0.0, low), 1.0 if high > 0.5 or high <= 0 else high)
    axes.set_ylim(0, 1.02)
