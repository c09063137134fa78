"""How often a classifier is right.

Shapes in this file:
    N images of a batch, I of all seen, C classes.
"""

import numpy as np

from common.log import logger


class Accuracy:
    """The share of pictures whose class is the best scored, and among the k best scored; confusion and class accuracy.

    Of equal scores the class with the lower number comes first. A picture with a score that is no number has no answer,
    and so is wrong.

    Args:
        dataset (object): with `labels`, and perhaps `targets`.
        topk (list[int]): the k's; one above the number of classes is left out.
    """

    def __init__(self, dataset, topk=(1, 5)):
        if not topk or any(k < 1 for k in topk):
            raise ValueError(f"topk is {list(topk)}; it takes numbers from 1")
        refuse_other_targets(self, getattr(dataset, "targets", None), several=False)
        self.labels = list(dataset.labels)
        self.topk = [k for k in topk if k <= len(self.labels)] or [1]
        self.primary = f"top{self.topk[0]}"
        self.reset()

    def reset(self):
        """Forgets every picture."""
        count = len(self.labels)
        self.hits = np.zeros(len(self.topk), np.int64)
        self.matrix = np.zeros((count, count), np.int64)  # class, answer
        self.unanswered = np.zeros(count, np.int64)

    def update(self, outputs, batch):
        """Takes scores [N, C] and `label` int64 [N]."""
        scores, target = np.asarray(outputs["scores"]), np.asarray(batch["label"])
        answered = ~np.isnan(scores).any(1)
        np.add.at(self.unanswered, target[~answered], 1)
        scores, target = scores[answered], target[answered]
        rank = rank_of(scores, target)
        self.hits += np.array([(rank < k).sum() for k in self.topk])
        np.add.at(self.matrix, (target, scores.argmax(1)), 1)

    def state(self):
        """What this process has counted, as arrays."""
        return {"hits": self.hits, "matrix": self.matrix, "unanswered": self.unanswered}

    def merge(self, states):
        """Becomes the sum of what several processes have counted."""
        self.hits = sum(state["hits"] for state in states)
        self.matrix = sum(state["matrix"] for state in states)
        self.unanswered = sum(state["unanswered"] for state in states)

    def compute(self):
        """`top1`, `top5`, ... and `class_mean`, the mean accuracy of the classes that have a picture; 0 of none."""
        lost = int(self.unanswered.sum())
        if lost:
            logger.warning("%d pictures count as wrong: the model gave them a score that is not a number", lost)
        total = max(1, int(self.matrix.sum()) + lost)
        scores = {f"top{k}": float(hits / total) for k, hits in zip(self.topk, self.hits)}
        known = [value["accuracy"] for value in self.per_class().values() if value["accuracy"] >= 0]
        return {**scores, "class_mean": float(np.mean(known)) if known else 0.0}

    def per_class(self):
        """Of every class by name: `accuracy` (the share of its pictures that is found), `precision` and `images`.

        A share of nothing is -1.
        """
        right, of_class, answered = np.diag(self.matrix), self.matrix.sum(1) + self.unanswered, self.matrix.sum(0)
        return {
            name: {
                "accuracy": share(right[i], of_class[i]),
                "precision": share(right[i], answered[i]),
                "images": int(of_class[i]),
            }
            for i, name in enumerate(self.labels)
        }

    def confusion(self):
        """How many answered pictures of each class (row) got each answer (column), int64 [C, C]."""
        return self.matrix


def rank_of(scores, target):
    """How many classes come before the right one, int64 [N], of scores [N, C] and classes [N]."""
    own = np.take_along_axis(scores, target[:, None], 1)
    before = np.arange(scores.shape[1])[None] < target[:, None]
    return ((scores > own) | ((scores == own) & before)).sum(1)


def refuse_other_targets(metric, targets, several):
    """Raises ValueError where a data set's targets, an array or None, are not of one class or of several a picture."""
    if targets is not None and several != (targets.ndim == 2):
        given, other = ("one class", "Accuracy") if several else ("several classes", "MultiLabelMap")
        raise ValueError(f"{type(metric).__name__} does not suit data of {given} a picture; {other} does")


def share(part, whole):
    """part / whole; -1 of nothing."""
    return float(part / whole) if whole else -1.0
