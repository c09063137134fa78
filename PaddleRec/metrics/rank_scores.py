"""Ranking metrics at several cutoffs: recall@k, hit rate (HR@k), MRR@k and NDCG@k.

Shapes in this file:
    N rows, K ranked items, T relevant items of a row (-1 for padding).
"""

import numpy as np

from common.errors import ConfigError


class RankScores:
    """`recall@k`, `hr@k`, `mrr@k` and `ndcg@k`, averaged over all rows of all processes.

    Args:
        at (list[int]): the cutoffs k.
        primary (str): the metric that selects the best checkpoint; by default recall at the last cutoff.
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
        """Resets the sums."""
        self.sums, self.rows = np.zeros((4, len(self.at))), 0

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `items` [N, K] and batch `target` [N] or [N, T].

        Raises:
            ConfigError: K is less than the largest cutoff.
        """
        items = np.asarray(outputs["items"])
        relevant = np.asarray(batch["target"]).reshape(len(items), -1)
        if items.shape[1] < max(self.at):
            raise ConfigError(
                f"the model returns {items.shape[1]} items; metrics at {max(self.at)} need as many: raise top_k"
            )
        for number, k in enumerate(self.at):
            self.sums[:, number] += [score.sum() for score in rank_scores(items[:, :k], relevant)]
        self.rows += len(items)

    def state(self):
        """The sums of this process (dict)."""
        return {"sums": self.sums, "rows": self.rows}

    def merge(self, states):
        """Replaces the sums by those of all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.rows = int(sum(int(state["rows"]) for state in states))

    def compute(self):
        """The metrics by name; NaN without rows."""
        means = self.sums / self.rows if self.rows else np.full_like(self.sums, np.nan)
        names = ("recall", "hr", "mrr", "ndcg")
        return {f"{name}@{k}": float(means[row, n]) for n, k in enumerate(self.at) for row, name in enumerate(names)}


def rank_scores(items, relevant):
    """(recall, hit, reciprocal rank of the first hit, NDCG), each float [N].

    Args:
        items (ndarray): [N, k], the best first.
        relevant (ndarray): [N, T]; ids below 1 are padding, and a row without relevant items scores 0.
    """
    real = relevant > 0
    hits = ((items[:, :, None] == relevant[:, None, :]) & real[:, None, :]).any(2)  # [N, k]
    discounts = 1 / np.log2(np.arange(2, items.shape[1] + 2))
    total = real.sum(1)
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(total, items.shape[1])]
    found = hits.any(1)
    first = np.where(found, hits.argmax(1) + 1, np.inf)
    gain = (hits * discounts).sum(1) / np.where(ideal > 0, ideal, 1)
    return hits.sum(1) / np.maximum(total, 1), found.astype(float), 1 / first, gain
