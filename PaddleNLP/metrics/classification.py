"""Accuracy and F1 of text classification (van Rijsbergen 1979)."""

import numpy as np

from common.inference.class_scores import BinaryScores, class_table


class TextAccuracy:
    """Accuracy and F1.

    Args:
        dataset (object): gives the labels.
        positive (int): the class whose F1 is reported; null takes the mean over the classes (macro F1).
        primary (str): accuracy or F1; selects the best checkpoint.
    """

    def __init__(self, dataset, positive=None, primary="accuracy"):
        if primary not in ("accuracy", "F1"):
            raise ValueError(f"primary is {primary!r}; it is accuracy or F1")
        self.labels, self.positive, self.primary = list(dataset.labels), positive, primary
        self.binary = BinaryScores(self.labels)
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.table = np.zeros((len(self.labels), len(self.labels)), np.int64)  # [label, prediction]
        self.binary.reset()

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `scores` [N, C] and batch `label` [N]."""
        predictions = np.asarray(outputs["scores"]).argmax(1)
        np.add.at(self.table, (np.asarray(batch["label"]), predictions), 1)
        self.binary.add(outputs["scores"], batch["label"])

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"table": self.table, **self.binary.state()}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.table = sum(np.asarray(state["table"]) for state in states)
        self.binary.merge(states)

    def compute(self):
        """`accuracy` and `F1`."""
        total = self.table.sum()
        per_class = f1_of(self.table)
        f1 = per_class.mean() if self.positive is None else per_class[self.positive]
        return {"accuracy": float(np.trace(self.table) / total) if total else 0.0, "F1": float(f1)}

    def per_class(self):
        """Precision, recall, F1 and number of texts of every class by name, see :func:`class_table`."""
        return class_table(self.table, self.labels, noun="texts")

    def scored(self):
        """The texts by the score of the second of two classes; empty for more classes."""
        return self.binary.scored()

    def confusion(self):
        """The confusion matrix, int64 [C, C]: labels in rows, predictions in columns."""
        return self.table


def f1_of(table):
    """F1 of each class of a confusion matrix [label, prediction], 2 TP / (2 TP + FP + FN); 0 for an absent class."""
    true_positives, labels, predictions = np.diag(table), table.sum(1), table.sum(0)
    return 2 * true_positives / np.maximum(1, labels + predictions)
