"""Top-k accuracy, mean class accuracy and the confusion matrix of image classification.

Shapes in this file:
    N images of a batch, C classes.
"""

import numpy as np

from common.inference.class_scores import BinaryScores, class_table
from common.log import logger


class Accuracy:
    """Top-k accuracy and mean class accuracy.

    Ties are broken in favor of the lower class id. An image with a NaN score counts as wrong.

    Args:
        dataset (object): with `labels`, and optionally `targets`.
        topk (list[int]): values of k; those above the number of classes are left out.
    """

    def __init__(self, dataset, topk=(1, 5)):
        if not topk or any(k < 1 for k in topk):
            raise ValueError(f"topk is {list(topk)}; it must be a list of positive integers")
        check_targets(self, getattr(dataset, "targets", None), multi_label=False)
        self.labels = list(dataset.labels)
        self.topk = [k for k in topk if k <= len(self.labels)] or [1]
        self.primary = f"top{self.topk[0]}"
        self.binary = BinaryScores(self.labels)
        self.reset()

    def reset(self):
        """Resets the counts."""
        count = len(self.labels)
        self.hits = np.zeros(len(self.topk), np.int64)
        self.matrix = np.zeros((count, count), np.int64)  # [label, prediction]
        self.invalid = np.zeros(count, np.int64)
        self.binary.reset()

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `scores` [N, C] and batch `label` int64 [N]."""
        scores, target = np.asarray(outputs["scores"]), np.asarray(batch["label"])
        valid = ~np.isnan(scores).any(1)
        np.add.at(self.invalid, target[~valid], 1)
        scores, target = scores[valid], target[valid]
        rank = rank_of(scores, target)
        self.hits += np.array([(rank < k).sum() for k in self.topk])
        np.add.at(self.matrix, (target, scores.argmax(1)), 1)
        self.binary.add(scores, target)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"hits": self.hits, "matrix": self.matrix, "invalid": self.invalid, **self.binary.state()}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.hits = sum(state["hits"] for state in states)
        self.matrix = sum(state["matrix"] for state in states)
        self.invalid = sum(state["invalid"] for state in states)
        self.binary.merge(states)

    def compute(self):
        """`top1`, `top5`, ... and `mean_class_accuracy` over the classes that have an image; 0 without images."""
        invalid = int(self.invalid.sum())
        if invalid:
            logger.warning("%d images count as wrong: the model predicted NaN", invalid)
        total = max(1, int(self.matrix.sum()) + invalid)
        scores = {f"top{k}": float(hits / total) for k, hits in zip(self.topk, self.hits)}
        known = [value["recall"] for value in self.per_class().values() if value["recall"] >= 0]
        return {**scores, "mean_class_accuracy": float(np.mean(known)) if known else 0.0}

    def per_class(self):
        """Precision, recall, F1 and number of images of every class by name, see :func:`class_table`."""
        return class_table(self.matrix, self.labels, self.invalid, "images")

    def scored(self):
        """The images by the score of the second of two classes; empty for more classes."""
        return self.binary.scored()

    def confusion(self):
        """The confusion matrix, int64 [C, C]: labels in rows, predictions in columns."""
        return self.matrix


def rank_of(scores, target):
    """The rank of the target class, from 0, int64 [N], for scores [N, C] and targets [N]."""
    own = np.take_along_axis(scores, target[:, None], 1)
    before = np.arange(scores.shape[1])[None] < target[:, None]
    return ((scores > own) | ((scores == own) & before)).sum(1)


def check_targets(metric, targets, multi_label):
    """Raises ValueError if the targets of a dataset (an array or None) are of the other kind than the metric."""
    if targets is not None and multi_label != (targets.ndim == 2):
        kind, other = ("single-label", "Accuracy") if multi_label else ("multi-label", "MultiLabelMap")
        raise ValueError(f"{type(metric).__name__} does not support {kind} data; use {other}")
