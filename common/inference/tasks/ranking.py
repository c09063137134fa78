"""Ranking: a probability for each row of a table."""

import numpy as np

from common.inference.task import Task, check_threshold


class Ranking(Task):
    """Ranking: the probability of each row, such as that of a click.

    Args:
        threshold (float): rows that score less get no record.
    """

    input = "table"
    columns = {"label": "prediction", "score": "probability"}

    def __init__(self, threshold=0.0):
        self.threshold = check_threshold(threshold)

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The probability of each row.

        Args:
            outputs (dict[str, ndarray]): `probability` [N].
            samples (list[dict]): not used.
            labels (list[str]): the one thing that is predicted.
            threshold (float): rows that score less get no record.

        Returns:
            list[list[dict]]: for each row `label` and `score`.
        """
        scores = np.asarray(outputs["probability"], np.float64).reshape(-1).tolist()
        name = str(labels[0]) if labels else "yes"
        return [[{"label": name, "score": round(score, 6)}] if score >= threshold else [] for score in scores]

    def line(self, sample, records):
        """The row's number, and each label with its score."""
        return row_line(sample, records)


def row_line(sample, records):
    """`row 3: click 0.1234, ...`"""
    return f"row {sample['name']}: " + ", ".join(f"{record['label']} {record['score']:.4f}" for record in records)
