"""Scored predictions of a class: precision, recall and F1 over the score threshold, ROC curve and calibration.

Shapes in this file:
    K distinct scores, in ascending order.
"""

import dataclasses

import numpy as np

DIGITS = range(2, 9)  # of a suggested threshold


@dataclasses.dataclass
class Scored:
    """The predictions of a class by their score.

    Args:
        scores (ndarray): float64 [K], ascending.
        right (ndarray): [K], numbers of predictions with this score that are correct.
        wrong (ndarray): [K], numbers of the others.
        positives (int): number of samples or boxes of the class, including those without a prediction.
        complete (bool): whether every sample has a score, as of a classifier, so that `wrong` counts all negatives.
    """

    scores: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    positives: int
    complete: bool = False

    @classmethod
    def of(cls, scores, right, positives=None):
        """The counts of single predictions; scores that are not finite are left out.

        Args:
            scores (ndarray): [N].
            right (ndarray): bool [N], whether a prediction is correct.
            positives (int | None): see the class; None for a classifier, whose positives are the correct ones.
        """
        scores, right = np.asarray(scores, np.float64), np.asarray(right, bool)
        known = np.isfinite(scores)
        levels, place = np.unique(scores[known], return_inverse=True)
        counts = [np.bincount(place[right[known] == flag], minlength=len(levels)) for flag in (True, False)]
        complete = positives is None
        return cls(levels, *counts, int(counts[0].sum()) if complete else positives, complete)

    def points(self):
        """Thresholds [K], descending, with the precision, recall and F1 of what scores at least as much, [K] each."""
        correct = np.cumsum(self.right[::-1])
        found = correct + np.cumsum(self.wrong[::-1])
        precision, recall = correct / np.maximum(found, 1), correct / max(self.positives, 1)
        return self.scores[::-1], precision, recall, 2 * correct / np.maximum(found + self.positives, 1)

    def best(self):
        """The threshold of maximum F1, of several the highest: a dict of `threshold`, `F1`, `precision`, `recall`.

        The threshold is a short number below the lowest score that it keeps and above the next one, so that rounding
        in another engine selects the same predictions. None if no prediction is correct.
        """
        if not np.any(self.right):
            return None
        thresholds, precision, recall, f1 = self.points()
        place = int(f1.argmax())
        below = thresholds[place + 1] if place + 1 < len(thresholds) else min(0.0, thresholds[place])
        numbers = {"F1": f1[place], "precision": precision[place], "recall": recall[place]}
        return {"threshold": between(below, thresholds[place])} | {name: float(v) for name, v in numbers.items()}

    def roc(self):
        """The false and the true positive rate by descending threshold, [K + 1] each, from (0, 0) to (1, 1)."""
        rates = [np.concatenate([[0.0], np.cumsum(part[::-1])]) for part in (self.wrong, self.right)]
        return tuple(rate / max(rate[-1], 1) for rate in rates)

    def auc(self):
        """The area under the ROC curve; NaN if there are only positives or only negatives."""
        false, true = self.roc()
        if not (self.right.any() and self.wrong.any()):
            return float("nan")
        return float((np.diff(false) * (true[1:] + true[:-1]) / 2).sum())

    def calibration(self, bins=15):
        """Mean score, observed rate and number of samples in bins of about as many samples each, by ascending score.

        Samples of one score are in one bin, so that there may be fewer bins.

        Args:
            bins (int): number of quantile bins.

        Returns:
            tuple[ndarray]: [B], [B] and int64 [B].
        """
        number = self.right + self.wrong
        middle = np.cumsum(number) - number / 2
        place = np.minimum(middle * bins // max(number.sum(), 1), bins - 1).astype(np.int64)
        counts, scores, right = (np.bincount(place, w) for w in (number, self.scores * number, self.right))
        kept = counts > 0
        return scores[kept] / counts[kept], right[kept] / counts[kept], counts[kept].astype(np.int64)

    def calibration_error(self, bins=15):
        """The expected calibration error (ECE): the mean over the samples of |mean score - rate| of their bin."""
        score, rate, count = self.calibration(bins)
        return float((np.abs(score - rate) * count).sum() / max(count.sum(), 1))


def pooled(parts):
    """The predictions of several classes as those of one (Scored)."""
    scores, place = np.unique(np.concatenate([part.scores for part in parts]), return_inverse=True)
    right, wrong = (
        np.bincount(place, np.concatenate([getattr(part, name) for part in parts]), len(scores)).astype(np.int64)
        for name in ("right", "wrong")
    )
    return Scored(scores, right, wrong, sum(p.positives for p in parts), all(p.complete for p in parts))


def between(low, high):
    """A short number above `low` and at most `high`: of the fewest digits that fit, the nearest to their mean."""
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in DIGITS)
    return float(next((value for value in rounded if low < value <= high), middle if low < middle else high))


def best_thresholds(metric):
    """The thresholds of maximum F1 of a metric, over all classes and for each class; None if it has none.

    Args:
        metric (object): after an evaluation; its optional `scored()` gives {class: Scored}.

    Returns:
        dict | None: `metric`, its class; `overall` and, of several classes, `classes`, {class: ...}, each as
            :meth:`Scored.best`.
    """
    found = metric.scored() if hasattr(metric, "scored") else None
    best = pooled(list(found.values())).best() if found else None
    if best is None:
        return None
    classes = {name: part.best() for name, part in found.items()} if len(found) > 1 else {}
    classes = {name: value for name, value in classes.items() if value}
    return {"metric": type(metric).__name__, "overall": best, "classes": classes}
