"""Errors of estimated prices, beside those of the mean of the near prices."""

import numpy as np


class PriceErrors:
    """Errors of prices: `rmse`, `mae`, `r2`, and `near_rmse`, that of the plain mean of the prices of the near houses.

    `rmse` is the root of the mean squared error, `mae` the mean absolute error, `r2` the share of the variance that is
    explained.
    """

    primary = "rmse"
    higher_is_better = False

    def __init__(self):
        self.reset()

    def reset(self):
        """Resets the sums: rows, squared, absolute error, prices, squares, rows with near houses, their error."""
        self.sums = np.zeros(7)

    def update(self, outputs, batch):
        """Adds a batch: outputs `price` [N]; batch `label` [N], `near_price` and `near_place` [N, S]."""
        right = np.asarray(batch["label"], np.float64).reshape(-1)
        error = np.asarray(outputs["price"], np.float64).reshape(-1) - right
        houses = np.asarray(batch["near_place"]) == -1
        count = houses.sum(1)
        mean = np.where(houses, np.asarray(batch["near_price"], np.float64), 0).sum(1) / np.maximum(count, 1)
        plain = ((mean - right) ** 2)[count > 0]
        row = [
            len(right),
            (error**2).sum(),
            np.abs(error).sum(),
            right.sum(),
            (right**2).sum(),
            len(plain),
            plain.sum(),
        ]
        self.sums += row

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"sums": self.sums}

    def merge(self, states):
        """Replaces the sums by those of all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)

    def compute(self):
        """`rmse`, `mae`, `r2` and `near_rmse`; NaN where the rows do not define one."""
        rows, squared, absolute, total, square, near, plain = self.sums.tolist()
        nan = float("nan")
        spread = square - total**2 / rows if rows else 0.0
        return {
            "rmse": (squared / rows) ** 0.5 if rows else nan,
            "mae": absolute / rows if rows else nan,
            "r2": 1 - squared / spread if spread > 0 else nan,
            "near_rmse": (plain / near) ** 0.5 if near else nan,
        }
