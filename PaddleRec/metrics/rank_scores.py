"""Scores of ranked lists: recall, hit rate, reciprocal rank and discounted gain at several lengths.

Shapes in this file:
    N rows, K items of a list from the best on, T wanted items of a row (-1 where there are fewer).
"""

import numpy as np

from common.errors import ConfigError


class RankScores:
    """`recall@k`, `hr@k`, `mrr@k` and `ndcg@k`, means over all rows of all processes.

    Args:
        at (list[int]): the lengths k.
        primary (str): the score that selects the best checkpoint; `recall@` the last length where none is named.
    """

    higher_is_better = True

    def __init__(self, at=(5, 10, 20), primary=""):
        self.at = list(at)
        self.primary = primary or f"recall@{self.at[-1]}"
        names = [f"{name}@{k}" for name in ("recall", "hr", "mrr", "ndcg") for k in self.at]
        if self.primary not in names or min(self.at) < 1:
            raise ValueError(f"RankScores got at={self.at} and primary='{primary}'; it must be one of {names}")
        self.reset()

    def reset(self):
        """Forgets all rows."""
        self.sums, self.rows = np.zeros((4, len(self.at))), 0

    def update(self, outputs, batch):
        """Takes `items` [N, K] of the outputs and `target` [N] or [N, T] of the batch.

        Raises:
            ConfigError: K is less than the greatest length.
        """
        items = np.asarray(outputs["items"])
        wanted = np.asarray(batch["target"]).reshape(len(items), -1)
        if items.shape[1] < max(self.at):
            raise ConfigError(f"the model lists {items.shape[1]} items; scores at {max(self.at)} need as many")
        for number, k in enumerate(self.at):
            self.sums[:, number] += [score.sum() for score in rank_scores(items[:, :k], wanted)]
        self.rows += len(items)

    def state(self):
        """What `merge` of another process takes."""
        return {"sums": self.sums, "rows": self.rows}

    def merge(self, states):
        """Takes the place of the states of all processes together."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.rows = int(sum(int(state["rows"]) for state in states))

    def compute(self):
        """The scores by name; NaN without rows."""
        means = self.sums / self.rows if self.rows else np.full_like(self.sums, np.nan)
        names = ("recall", "hr", "mrr", "ndcg")
        return {f"{name}@{k}": float(means[row, n]) for n, k in enumerate(self.at) for row, name in enumerate(names)}


def rank_scores(items, wanted):
    """(recall, hit, reciprocal rank of the first hit, normalised discounted gain), each float [N].

    Args:
        items (ndarray): [N, k], the best first.
        wanted (ndarray): [N, T]; numbers below 1 are no items, and a row without any scores 0.
    """
    real = wanted > 0
    hits = ((items[:, :, None] == wanted[:, None, :]) & real[:, None, :]).any(2)  # [N, k]
    discounts = 1 / np.log2(np.arange(2, items.shape[1] + 2))
    total = real.sum(1)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(total, items.shape[1])]
    found = hits.any(1)
    first = np.where(found, hits.argmax(1) + 1, np.inf)
    gain = (hits * discounts).sum(1) / np.where(ideal > 0, ideal, 1)
    return hits.sum(1) / np.maximum(total, 1), found.astype(float), 1 / first, gain
