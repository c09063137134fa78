"""Mean average precision (mAP) and F1 of multi-label classification.

Shapes in this file:
    I images, C classes.
"""

import numpy as np

from common.inference.scored import Scored

from .accuracy import check_targets


class MultiLabelMap:
    """Mean average precision over the classes, and micro-averaged F1 at a score threshold.

    A NaN score counts as the lowest one.

    Args:
        dataset (object): with `labels`, and optionally `targets`.
        threshold (float): score threshold of F1.
    """

    primary = "mAP"

    def __init__(self, dataset, threshold=0.5):
        check_targets(self, getattr(dataset, "targets", None), multi_label=True)
        self.labels = list(dataset.labels)
        self.threshold = threshold
        self.reset()

    def reset(self):
        """Resets the predictions."""
        self.scores, self.targets = [], []

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `scores` [N, C] in 0..1 and batch `label` [N, C], 0 or 1."""
        self.scores.append(np.nan_to_num(np.asarray(outputs["scores"], np.float32), nan=-1.0))
        self.targets.append(np.asarray(batch["label"]) > 0.5)

    def state(self):
        """The predictions of this process (dict of arrays)."""
        scores, targets = self.table()
        return {"scores": scores, "targets": targets}

    def merge(self, states):
        """Replaces the predictions by those of all processes."""
        self.scores = [state["scores"] for state in states]
        self.targets = [state["targets"] for state in states]

    def table(self):
        """The scores float32 [I, C] and targets bool [I, C] of all images."""
        nothing = np.zeros((0, len(self.labels)))
        scores = np.concatenate([nothing.astype(np.float32), *self.scores])
        return scores, np.concatenate([nothing.astype(bool), *self.targets])

    def compute(self):
        """`mAP` over the classes with positive images (0 without any), and micro-averaged `F1`."""
        known = [value["AP"] for value in self.per_class().values() if value["AP"] >= 0]
        scores, targets = self.table()
        found = scores >= self.threshold
        correct, wrong = (found & targets).sum(), (found != targets).sum()
        f1 = 2 * correct / (2 * correct + wrong) if correct + wrong else 0.0
        return {"mAP": float(np.mean(known)) if known else 0.0, "F1": float(f1)}

    def per_class(self):
        """Number of positive images and AP of every class by name; -1 for the AP of a class without any."""
        scores, targets = self.table()
        return {
            name: {"images": int(targets[:, i].sum()), "AP": average_precision(scores[:, i], targets[:, i])}
            for i, name in enumerate(self.labels)
        }

    def scored(self):
        """The images by their score of each class."""
        scores, targets = self.table()
        return {name: Scored.of(scores[:, i], targets[:, i]) for i, name in enumerate(self.labels)}

    def curves(self):
        """Recall and precision by decreasing score of every class with positive images, by name."""
        scores, targets = self.table()
        return {
            name: recall_precision(scores[:, i], targets[:, i])
            for i, name in enumerate(self.labels)
            if targets[:, i].any()
        }


def recall_precision(scores, target):
    """Recall and precision at each distinct score as the threshold, by decreasing score.

    Args:
        scores (ndarray): [I].
        target (ndarray): bool [I], at least one True.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # ties share a threshold
    correct = np.cumsum(target[order])[ends]
    return correct / target.sum(), correct / (ends + 1)


def average_precision(scores, target):
    """The sum of precision times the increase of recall over the distinct scores; -1 without positives."""
    if not target.any():
        return -1.0
    recall, precision = recall_precision(scores, target)
    return float((np.diff(recall, prepend=0) * precision).sum())
