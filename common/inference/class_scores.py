"""Scores of single-label classification: the table of the classes, and the scores of two classes for curves.

Shapes in this file:
    N samples, C classes.
"""

import numpy as np

from common.inference.scored import Scored


def class_table(matrix, labels, unanswered=0, noun="samples"):
    """Precision, recall, F1 and number of samples of each class; -1 for an undefined ratio.

    Args:
        matrix (ndarray): int64 [C, C], labels in rows, predictions in columns.
        labels (list[str]): class names.
        unanswered (ndarray | int): samples of each class without a prediction, which the matrix lacks.
        noun (str): name of the column with the number of samples.

    Returns:
        dict[str, dict]: class name -> `precision`, `recall`, `F1` and the number of samples.
    """
    correct, samples, predictions = np.diag(matrix), matrix.sum(1) + unanswered, matrix.sum(0)
    return {
        name: {
            "precision": ratio(correct[i], predictions[i]),
            "recall": ratio(correct[i], samples[i]),
            "F1": ratio(2 * correct[i], samples[i] + predictions[i]),
            noun: int(samples[i]),
        }
        for i, name in enumerate(labels)
    }


def ratio(part, whole):
    """part / whole; -1 if whole is 0."""
    return float(part / whole) if whole else -1.0


class BinaryScores:
    """The scores of the second of two classes over an evaluation; nothing for another number of classes.

    Args:
        labels (list[str]): class names.
    """

    def __init__(self, labels):
        self.labels = list(labels)
        self.reset()

    def reset(self):
        """Forgets all samples."""
        self.scores, self.targets = [], []

    def add(self, scores, targets):
        """Adds the samples of a batch: scores [N, C] and class ids int64 [N]."""
        if len(self.labels) == 2:
            self.scores.append(np.asarray(scores, np.float64)[:, 1])
            self.targets.append(np.asarray(targets) == 1)

    def state(self):
        """The samples of this process (dict of arrays)."""
        scores, targets = [np.zeros(0), *self.scores], [np.zeros(0, bool), *self.targets]
        return {"scores_of_1": np.concatenate(scores), "is_1": np.concatenate(targets)}

    def merge(self, states):
        """Replaces the samples by those of all processes."""
        self.scores = [np.asarray(state["scores_of_1"]) for state in states]
        self.targets = [np.asarray(state["is_1"], bool) for state in states]

    def scored(self):
        """{name of the second class: Scored}; empty for another number of classes."""
        if len(self.labels) != 2:
            return {}
        state = self.state()
        return {self.labels[1]: Scored.of(state["scores_of_1"], state["is_1"])}
