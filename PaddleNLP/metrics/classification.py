"""Scores of classes: accuracy, and precision, recall and F1 (van Rijsbergen 1979)."""

import numpy as np


class TextAccuracy:
    """The share of right answers, and F1.

    Args:
        dataset (object): the data set; gives the number of classes.
        positive (int): the class whose F1 is `F1`; null takes the mean over the classes (macro).
        primary (str): accuracy or F1, which selects the best checkpoint.
    """

    def __init__(self, dataset, positive=None, primary="accuracy"):
        if primary not in ("accuracy", "F1"):
            raise ValueError(f"primary is {primary!r}; it is accuracy or F1")
        self.count, self.positive, self.primary = len(dataset.labels), positive, primary
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.table = np.zeros((self.count, self.count), np.int64)  # [right class, answered class]

    def update(self, outputs, batch):
        """Takes the answer for a batch: `scores` [N, C], and the batch's `label` [N]."""
        answers = np.asarray(outputs["scores"]).argmax(1)
        np.add.at(self.table, (np.asarray(batch["label"]), answers), 1)

    def state(self):
        """What this process has seen, as arrays."""
        return {"table": self.table}

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.table = sum(np.asarray(state["table"]) for state in states)

    def compute(self):
        """`accuracy` and `F1`."""
        total = self.table.sum()
        per_class = f1_of(self.table)
        f1 = per_class.mean() if self.positive is None else per_class[self.positive]
        return {"accuracy": float(np.trace(self.table) / total) if total else 0.0, "F1": float(f1)}


def f1_of(table):
    """F1 of each class of a confusion matrix [right, answered], 2 both / (right + answered); 0 where nothing is."""
    both, right, answered = np.diag(table), table.sum(1), table.sum(0)
    return 2 * both / np.maximum(1, right + answered)
