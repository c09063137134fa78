"""Metrics of click prediction: AUC, log loss, COPC and CTR."""

import numpy as np

from common.inference.scored import Scored
from common.log import logger

SMALLEST = 1e-7


class ClickScores:
    """AUC (exact or bucketed), log loss, COPC (clicks over predicted clicks) and CTR, over all processes.

    Args:
        buckets (int): 0 stores every probability for the exact AUC; otherwise the probabilities are counted in this
            number of equal intervals, in constant memory, for an approximate AUC.
    """

    primary = "auc"
    higher_is_better = True

    def __init__(self, buckets=0):
        if buckets and buckets < 2:
            raise ValueError(f"ClickScores got buckets={buckets}; it must be 0, or 2 or more")
        self.buckets = buckets
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.sums = np.zeros(4)  # rows, clicks, predicted clicks, log loss
        self.counts = np.zeros((2, max(self.buckets, 1)), np.int64)
        self.scores, self.labels = [], []

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `probability` [N] and batch `label` [N]."""
        scores = np.asarray(outputs["probability"], np.float64).reshape(-1)
        labels = np.asarray(batch["label"]).reshape(-1) > 0.5
        safe = np.clip(scores, SMALLEST, 1 - SMALLEST)
        loss = -np.where(labels, np.log(safe), np.log1p(-safe)).sum()
        self.sums += [len(scores), labels.sum(), scores.sum(), loss]
        if self.buckets:
            place = np.clip(np.nan_to_num(scores) * self.buckets, 0, self.buckets - 1).astype(np.int64)
            for label in (0, 1):
                self.counts[label] += np.bincount(place[labels == label], minlength=self.buckets)
        else:
            self.scores.append(scores)
            self.labels.append(labels)

    def state(self):
        """The counts of this process (dict of arrays)."""
        arrays = {"sums": self.sums, "counts": self.counts}
        if not self.buckets:
            arrays["scores"] = np.concatenate([np.zeros(0), *self.scores])
            arrays["labels"] = np.concatenate([np.zeros(0, bool), *self.labels])
        return arrays

    def merge(self, states):
        """Replaces the counts by those of all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.counts = sum(np.asarray(state["counts"]) for state in states)
        if not self.buckets:
            self.scores = [np.asarray(state["scores"]) for state in states]
            self.labels = [np.asarray(state["labels"], bool) for state in states]

    def compute(self):
        """`auc`, `log_loss`, `copc` (clicks over predicted clicks), `ctr` (click-through rate); NaN if undefined.

        With a probability that is NaN only `ctr` is defined.
        """
        rows, clicks, predicted, loss = self.sums.tolist()
        if self.buckets:
            auc = auc_of_counts(self.counts[0], self.counts[1])
        else:
            auc = exact_auc(np.concatenate([np.zeros(0), *self.scores]), np.concatenate([[], *self.labels]) > 0.5)
        if rows and not 0 < clicks < rows:
            logger.warning("all %d labels are %d: the AUC is undefined", rows, bool(clicks))
        nan = float("nan")
        if predicted != predicted:
            logger.warning("the model predicted NaN: the AUC is undefined")
            auc = nan
        return {
            "auc": auc,
            "log_loss": loss / rows if rows else nan,
            "copc": clicks / predicted if predicted else nan,
            "ctr": clicks / rows if rows else nan,
        }

    def scored(self):
        """{"positive": the rows by probability}, by the middle of their interval if the probabilities are counted."""
        if not self.buckets:
            state = self.state()
            return {"positive": Scored.of(state["scores"], state["labels"])}
        middles = (np.arange(self.buckets) + 0.5) / self.buckets
        kept = self.counts.any(0)
        wrong, right = self.counts[:, kept]
        return {"positive": Scored(middles[kept], right, wrong, int(right.sum()), complete=True)}


def exact_auc(scores, labels):
    """The area under the ROC curve, by the Mann-Whitney statistic; ties count half.

    Args:
        scores (ndarray): float [N].
        labels (ndarray): bool [N].

    Returns:
        float: NaN if one of the labels is absent.
    """
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return float("nan")
    _, place = np.unique(scores, return_inverse=True)
    return auc_of_counts(np.bincount(place[~labels], minlength=1 + place.max()), np.bincount(place[labels]))


def auc_of_counts(negatives, positives):
    """The AUC of the counts of negatives and positives in intervals of increasing score."""
    positives = np.pad(positives, (0, len(negatives) - len(positives)))
    below = np.cumsum(negatives) - negatives
    pairs = float(positives.sum()) * float(negatives.sum())
    return float((positives * (below + 0.5 * negatives)).sum() / pairs) if pairs else float("nan")
