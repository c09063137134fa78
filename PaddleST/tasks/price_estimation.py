"""Estimation of prices: a number for each row of a table."""

import numpy as np

from common.inference.task import Task


class PriceEstimation(Task):
    """The price of each row, in the unit of the prices that the model was trained on."""

    input = "table"
    columns = {"price": "price"}

    def beside(self, labels):
        """The one record of a sample is in its row."""
        return 1

    def records(self, outputs, samples, labels, threshold):
        """The price of each row.

        Args:
            outputs (dict[str, ndarray]): `price` float32 [N].
            samples (list[dict]): not used.
            labels (list[str] | None): not used.
            threshold (float): not used.

        Returns:
            list[list[dict]]: for each row one record with `price`.
        """
        return [[{"price": round(value, 4)}] for value in np.asarray(outputs["price"], np.float64).reshape(-1).tolist()]

    def line(self, sample, records):
        """`row 3: 2.1470`"""
        return f"row {sample['name']}: {records[0]['price']:.4f}"
