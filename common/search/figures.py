"""Plots of a search: scores over its trials, and scores over each hyperparameter."""

import math

from common.search.report import rank_trials
from common.search.space import Choice, Range, decode
from common.search.study import first_number
from common.training.plotting import COLORS, PALE, finish_axes, new_figure

MOST_PANELS, ACROSS = 12, 3


def draw_search(folder, study, space):
    """Writes `progress.png` and `hyperparameters.png`; nothing while no trial has a score.

    Args:
        folder (Path): of the images.
        study (Study): of the search.
        space (object): of the search, with `dimensions`.
    """
    trials = [trial for trial in rank_trials(study) if trial.value is not None]
    if not trials:
        return
    folder.mkdir(parents=True, exist_ok=True)
    draw_progress(folder / "progress.png", trials, study.direction.name == "MAXIMIZE")
    draw_hyperparameters(folder / "hyperparameters.png", trials, space.dimensions)


def draw_progress(path, trials, higher):
    """Plots the score of every trial and the best so far.

    Args:
        path (Path): the PNG to write.
        trials (list[FrozenTrial]): with scores.
        higher (bool): a higher score is better.
    """
    points = sorted((first_number(trial), trial.value) for trial in trials)
    numbers, scores = [number for number, _ in points], [score for _, score in points]
    with new_figure(path) as figure:
        axes = figure.add_subplot()
        axes.plot(numbers, scores, "o", color=PALE, label="trial")
        axes.step(
            numbers, running_best(scores, higher), where="post", color=COLORS[0], linewidth=2, label="best so far"
        )
        finish_axes(axes, "Search", "trial", "score")


def running_best(scores, higher):
    """The best of the first 1, 2, ... scores (list[float])."""
    better, best = (max if higher else min), []
    for score in scores:
        best.append(better([score, *best[-1:]]))
    return best


def draw_hyperparameters(path, trials, dimensions):
    """Plots the scores over the values of each hyperparameter, twelve of them at most; the best trial is marked.

    Args:
        path (Path): the PNG to write.
        trials (list[FrozenTrial]): with scores, the best first.
        dimensions (list[Choice | Range]): of the space.
    """
    shown = dimensions[:MOST_PANELS]
    chosen = [decode(dimensions, trial.params) for trial in trials if len(trial.params) == len(dimensions)]
    scores = [trial.value for trial in trials if len(trial.params) == len(dimensions)]
    rows = math.ceil(len(shown) / ACROSS)
    with new_figure(path, width=4.0 * min(ACROSS, len(shown)), height=3.2 * rows) as figure:
        for place, dimension in enumerate(shown):
            axes = figure.add_subplot(rows, min(ACROSS, len(shown)), place + 1)
            values = [values[dimension.name] for values in chosen]
            if isinstance(dimension, Choice):
                axes.plot(list(map(str, dimension.values)), [scores[0]] * len(dimension.values), alpha=0)  # their order
                values = [str(value) for value in values]
            else:
                axes.set_xlim(dimension.low, dimension.high)
            if isinstance(dimension, Range) and dimension.log:
                axes.set_xscale("log")
                axes.xaxis.set_major_formatter("{x:g}")
                axes.xaxis.set_minor_formatter("")
            axes.plot(values, scores, "o", color=PALE)
            axes.plot(values[:1], scores[:1], "o", color=COLORS[1])
            finish_axes(axes, "", dimension.name, "score" if place % ACROSS == 0 else "", legend=False)
        figure.tight_layout()
