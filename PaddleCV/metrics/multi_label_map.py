"""Mean average precision of pictures that have several classes each.

Shapes in this file:
    I images, C classes.
"""

import numpy as np

from .accuracy import refuse_other_targets


class MultiLabelMap:
    """The mean over classes of the average precision, and the F1 of all answers over a score.

    A score that is no number counts as the lowest.

    Args:
        dataset (object): with `labels`, and perhaps `targets`.
        threshold (float): the score from which a class counts as found, for F1.
    """

    primary = "mAP"

    def __init__(self, dataset, threshold=0.5):
        refuse_other_targets(self, getattr(dataset, "targets", None), several=True)
        self.labels = list(dataset.labels)
        self.threshold = threshold
        self.reset()

    def reset(self):
        """Forgets every picture."""
        self.scores, self.targets = [], []

    def update(self, outputs, batch):
        """Takes scores [N, C] in 0..1 and `label` [N, C], 1 where a class is there."""
        self.scores.append(np.nan_to_num(np.asarray(outputs["scores"], np.float32), nan=-1.0))
        self.targets.append(np.asarray(batch["label"]) > 0.5)

    def state(self):
        """What this process has seen, as arrays."""
        scores, targets = self.table()
        return {"scores": scores, "targets": targets}

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.scores = [state["scores"] for state in states]
        self.targets = [state["targets"] for state in states]

    def table(self):
        """Scores float32 [I, C] and targets bool [I, C] of all pictures."""
        nothing = np.zeros((0, len(self.labels)))
        scores = np.concatenate([nothing.astype(np.float32), *self.scores])
        return scores, np.concatenate([nothing.astype(bool), *self.targets])

    def compute(self):
        """`mAP` over the classes that some picture has (0 when there are none), and `F1` of all answers."""
        known = [value["AP"] for value in self.per_class().values() if value["AP"] >= 0]
        scores, targets = self.table()
        found = scores >= self.threshold
        right, wrong = (found & targets).sum(), (found != targets).sum()
        f1 = 2 * right / (2 * right + wrong) if right + wrong else 0.0
        return {"mAP": float(np.mean(known)) if known else 0.0, "F1": float(f1)}

    def per_class(self):
        """AP of every class by name; -1 of a class that no picture has."""
        scores, targets = self.table()
        return {name: {"AP": average_precision(scores[:, i], targets[:, i])} for i, name in enumerate(self.labels)}

    def curves(self):
        """Recall and precision by falling score of every class that some picture has, by name."""
        scores, targets = self.table()
        return {
            name: recall_precision(scores[:, i], targets[:, i])
            for i, name in enumerate(self.labels)
            if targets[:, i].any()
        }


def recall_precision(scores, target):
    """Recall and precision of taking all from each distinct score up, by falling score.

    Args:
        scores (ndarray): [I].
        target (ndarray): bool [I], at least one True.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # equal scores are taken together
    right = np.cumsum(target[order])[ends]
    return right / target.sum(), right / (ends + 1)


def average_precision(scores, target):
    """The sum of precision times the gain of recall, over the distinct scores; -1 where nothing is to be found."""
    if not target.any():
        return -1.0
    recall, precision = recall_precision(scores, target)
    return float((np.diff(recall, prepend=0) * precision).sum())
