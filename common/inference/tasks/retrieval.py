"""Retrieval: the best items of all for each row of a table."""

import numpy as np

from common.inference.task import Task
from common.inference.tasks.ranking import row_line


class Retrieval(Task):
    """Retrieval: the items that match each row best, out of all items."""

    input = "table"
    columns = {"label": "prediction", "item": "item", "score": "score"}

    def records(self, outputs, samples, labels, threshold):
        """The best items of each row, the best first.

        Args:
            outputs (dict[str, ndarray]): `items` int64 [N, K], `scores` [N, K].
            samples (list[dict]): not used.
            labels (list[str]): not used; items go by their numbers.
            threshold (float): not used; scores of different models have no common scale.

        Returns:
            list[list[dict]]: for each row its items, `label` (the number as text), `item` and `score`.
        """
        items, scores = np.asarray(outputs["items"]), np.asarray(outputs["scores"], np.float64)
        return [
            [{"label": str(item), "item": item, "score": round(score, 6)} for item, score in zip(row, values)]
            for row, values in zip(items.tolist(), scores.tolist())
        ]

    def line(self, sample, records):
        """The row's number, and each item with its score."""
        return row_line(sample, records)
