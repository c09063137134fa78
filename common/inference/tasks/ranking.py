"""Ranking: a probability and a label for each row of a table."""

import numpy as np

from common.inference.task import Task, check_threshold


class Ranking(Task):
    """Ranking: the probability of each row, such as that of a click, and the label that follows from it.

    Args:
        threshold (float | None): rows that score at least this much are positive; None for the threshold of maximum
            F1 of the evaluation in training, or for 0.5 without one.
    """

    input = "table"
    columns = {"label": "prediction", "score": "probability", "positive": "positive"}

    def __init__(self, threshold=None):
        self.threshold = check_threshold(threshold, 0.5)

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The label of each row and the probability of the positive one.

        Args:
            outputs (dict[str, ndarray]): `probability` [N].
            samples (list[dict]): not used.
            labels (list[str]): the negative and the positive label, or the positive one; `no` and `yes` without any.
            threshold (float): rows that score at least this much are positive.

        Returns:
            list[list[dict]]: for each row one record with `label`, `positive`, the name of the positive label, and
                `score`, its probability.
        """
        scores = np.asarray(outputs["probability"], np.float64).reshape(-1).tolist()
        negative, positive = label_pair(labels)
        return [
            [{"label": positive if score >= threshold else negative, "positive": positive, "score": round(score, 6)}]
            for score in scores
        ]

    def line(self, sample, records):
        """The row's number, its label and the positive one's probability: `row 3: no, probability of yes 0.1234`."""
        (record,) = records
        return f"row {sample['name']}: {record['label']}, probability of {record['positive']} {record['score']:.4f}"


def label_pair(labels):
    """The negative and the positive label of class names, see :meth:`Ranking.records`."""
    if not labels:
        return "no", "yes"
    return (str(labels[0]), str(labels[1])) if len(labels) > 1 else (f"not {labels[0]}", str(labels[0]))


def row_line(sample, records):
    """`row 3: click 0.1234, ...`"""
    return f"row {sample['name']}: " + ", ".join(f"{record['label']} {record['score']:.4f}" for record in records)
