"""Plots of a run: curves, confusion matrices, image mosaics. Every function writes one PNG atomically."""

import contextlib
import io
import logging
import math
import warnings

import numpy as np

from common.weights.safetensors import write_atomically

COLORS = ("#1f5fa8", "#d1602b", "#2f8f5b", "#8a4fa3", "#b8901f", "#c2416b", "#3a9ba8", "#7a6a58", "#5566d0", "#88a03a")
PALE = "#9dbbdc"
MOST_CLASSES = 50  # of a confusion matrix
CJK_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "SimHei", "PingFang SC")


def draw_losses(path, steps, losses):
    """Plots the total loss, raw and smoothed, and its smoothed terms, on a logarithmic scale if all are positive.

    Args:
        path (Path): the PNG to write.
        steps (list[int]): n steps.
        losses (dict[str, list[float]]): n values of each term; `loss` is their sum. NaN leaves a gap.
    """
    terms = [name for name in losses if name != "loss"]
    with new_figure(path) as figure:
        axes = figure.add_subplot()
        total = np.asarray(losses["loss"], float)
        axes.plot(steps, total, color=PALE, linewidth=1, label="loss (logged)")
        axes.plot(
            steps,
            smooth(total),
            color=COLORS[0],
            linewidth=2,
            label=f"loss (smoothed): {last_finite(smooth(total)):.4g}",
        )
        if len(terms) > 1:
            for name, color in zip(terms, COLORS[1:], strict=False):
                values = smooth(losses[name])
                axes.plot(steps, values, color=color, linewidth=1, label=f"{name}: {last_finite(values):.4g}")
        shown = np.concatenate([np.asarray(values, float) for values in losses.values()])
        if np.nanmin(shown, initial=1) > 0:
            axes.set_yscale("log")
            plain_log_labels(axes)
        finish_axes(axes, "Loss", "step", "")


def draw_rates(path, steps, columns):
    """Plots the learning rates (dict of lists of float) over the steps (list[int])."""
    with new_figure(path, height=3) as figure:
        axes = figure.add_subplot()
        for number, (name, values) in enumerate(columns.items()):
            axes.plot(steps, values, color=COLORS[number % len(COLORS)], linewidth=2, label=name)
        axes.set_ylim(bottom=min(0.0, *(min(values) for values in columns.values())))
        finish_axes(axes, "Learning rate", "step", "", legend=len(columns) > 1)


def draw_scores(path, steps, scores, primary=None):
    """Plots the scores of all evaluations: those between 0 and 1 in one panel, the others in a second.

    Args:
        path (Path): the PNG to write.
        steps (list[int]): the n steps at which the model was evaluated.
        scores (dict[str, list[float]]): n values of each score; NaN leaves a gap.
        primary (str): the score that selects the best checkpoint; drawn first, with a thicker line.
    """
    names = sorted(scores, key=lambda name: name != primary)
    values = {name: np.asarray(scores[name], float) for name in names}
    values = {name: value for name, value in values.items() if np.isfinite(value).any()}
    shares = [name for name, value in values.items() if np.nanmin(value) >= 0 and np.nanmax(value) <= 1]
    others = [name for name in values if name not in shares]
    panels = [panel[: len(COLORS)] for panel in (shares, others) if panel]
    with new_figure(path, height=4 * max(len(panels), 1)) as figure:
        figure.subplots_adjust(hspace=0.3)
        for number, panel in enumerate(panels, start=1):
            axes = figure.add_subplot(len(panels), 1, number)
            for name, color in zip(panel, COLORS, strict=False):
                width = 2.2 if name == primary else 1.2
                label = f"{name}: {last_finite(values[name]):.4g}"
                axes.plot(steps, values[name], color=color, linewidth=width, marker="o", markersize=3, label=label)
            if panel is panels[0] and shares:
                axes.set_ylim(0, 1.02)
            finish_axes(axes, "Scores" if number == 1 else "", "step", "")


def draw_precision_recall(path, curves, areas=None):
    """Plots precision-recall curves: all classes in color if they are few, else the five worst, the others in gray.

    Args:
        path (Path): the PNG to write.
        curves (dict[str, tuple]): per class, its recall and precision, two arrays of one length, recall ascending.
        areas (dict[str, float] | None): average precision of each class, as its metric defines it; by default the area
            under the curve.
    """
    areas = areas or {name: area_under_curve(recall, precision) for name, (recall, precision) in curves.items()}
    by_area = sorted(curves, key=lambda name: (math.isnan(areas[name]), areas[name]))
    colored = list(curves) if len(curves) <= len(COLORS) else by_area[:5]
    with new_figure(path, width=7.5, height=5) as figure:
        axes = figure.add_subplot()
        shown = dict(zip(curves, make_printable(curves), strict=True))
        for name in curves:
            if name not in colored:
                axes.plot(*curves[name], color="#cccccc", linewidth=0.8)
        for name, color in zip(colored, COLORS, strict=False):
            axes.plot(*curves[name], color=color, linewidth=1.6, label=f"{shown[name]}: {areas[name]:.3f}")
        if len(curves) > 1:
            recall = np.linspace(0, 1, 101)
            mean = np.mean([np.interp(recall, *curve, right=0.0) for curve in curves.values() if len(curve[0])], axis=0)
            axes.plot(recall, mean, color="#222222", linewidth=2.4, linestyle="--", label="mean over classes")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        few = len(colored) == len(curves)
        finish_axes(
            axes, "Precision-recall curves" + ("" if few else ", five worst classes in color"), "recall", "precision"
        )


def draw_confusion(path, matrix, names, at=""):
    """Plots a confusion matrix of true (rows) and predicted (columns) classes, colored by the share of the row.

    Of more than 50 classes those with the most errors are shown.

    Args:
        path (Path): the PNG to write.
        matrix (ndarray): counts [C, C].
        names (list[str]): the C class names.
        at (str): thresholds of what is counted, for the title.
    """
    matrix, names = np.asarray(matrix), make_printable(names)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    total, title = len(matrix), "Confusion matrix" + (f" at {at}" if at else "")
    if total > MOST_CLASSES:
        errors = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
        kept = np.sort(np.argsort(-errors, kind="stable")[:MOST_CLASSES])
        matrix, share, names = matrix[np.ix_(kept, kept)], share[np.ix_(kept, kept)], [names[i] for i in kept]
        title += f" of the {MOST_CLASSES} of {total} classes with the most errors"
    count = len(matrix)
    size = min(max(4.5, 1.8 + 0.42 * count), 14)
    with new_figure(path, width=size + 1, height=size) as figure:
        axes = figure.add_subplot()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, label="fraction of the true class")
        places = list(range(count))
        names = [shorten_label(name) for name in names]
        axes.set_xticks(places, [names[i] for i in places], rotation=90 if count > 6 else 0, fontsize=8)
        axes.set_yticks(places, [names[i] for i in places], fontsize=8)
        if count <= 20:
            for row, column in np.ndindex(matrix.shape):
                if matrix[row, column]:
                    color = "white" if share[row, column] > 0.55 else "#333333"
                    text = f"{matrix[row, column]:g}"
                    axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
        axes.set_title(title, loc="left")
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")


def draw_mosaic(path, images, columns=4, cell=320):
    """Plots images in a grid, each scaled to fit a square cell.

    Args:
        path (Path): the PNG or JPEG to write, by its suffix.
        images (list[ndarray]): uint8 [H, W, 3] RGB, of any size.
        columns (int): images per row.
        cell (int): side of a cell in pixels.
    """
    import cv2

    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    gap = 4
    canvas = np.full((rows * (cell + gap) + gap, columns * (cell + gap) + gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        height, width = image.shape[:2]
        ratio = cell / max(height, width)
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
        top = gap + (index // columns) * (cell + gap) + (cell - size[1]) // 2
        left = gap + (index % columns) * (cell + gap) + (cell - size[0]) // 2
        canvas[top : top + size[1], left : left + size[0]] = small
    _, data = cv2.imencode(path.suffix, canvas[..., ::-1])
    write_atomically(path, [data.tobytes()])


@contextlib.contextmanager
def new_figure(path, width=8.0, height=4.5):
    """Context manager of a figure (inches) that is written to `path` at the end; independent of pyplot."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    settings = {
        "text.parse_math": False,
        "font.family": font_families(),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titleweight": "bold",
        "axes.edgecolor": "#888888",
        "font.size": 10,
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=110, bbox_inches="tight")
        write_atomically(path, [image.getvalue()])


def font_families():
    """The default font, and the installed fonts with Chinese characters."""
    from matplotlib import font_manager

    names = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in CJK_FONTS if name in names)]


def make_printable(names):
    """Replaces names that the installed fonts cannot render by their index, such as `#3`."""
    from matplotlib import font_manager

    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in font_families()]

    def known(name):
        return all(any(font.get_char_index(ord(c)) for font in fonts) for c in name)

    return [name if known(name) else f"#{index}" for index, name in enumerate(names)]


def finish_axes(axes, title, across, up, legend=True):
    """Sets the title, the axis labels, a light grid, and the legend beside the curves."""
    axes.set_title(title, loc="left")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    if legend and axes.lines:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)


def plain_log_labels(axes):
    """Labels a logarithmic axis with 0.5, 2, 30 instead of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    low, high = axes.get_ylim()
    if high / low < 1000:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def smooth(values, share=0.05):
    """Centered moving average over `share` of the curve on either side; NaN is ignored."""
    values = np.asarray(values, float)
    reach = int(len(values) * share)
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    low = np.maximum(np.arange(len(values)) - reach, 0)
    high = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    with np.errstate(invalid="ignore"):
        return (sums[high] - sums[low]) / (counts[high] - counts[low])


def area_under_curve(recall, precision):
    """The area under a curve whose precision is made monotone from the right; NaN for an empty curve."""
    if len(recall) == 0:
        return math.nan
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.maximum.accumulate(np.concatenate([precision[:1], precision, [0.0]])[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def last_finite(values):
    """The last finite number; NaN without one."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(known[-1]) if len(known) else math.nan


def shorten_label(name, most=18):
    """Shortens a class name for an axis."""
    return name if len(name) <= most else name[: most - 3] + "..."
