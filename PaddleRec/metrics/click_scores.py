"""Scores of predicted probabilities: AUC, log loss, and clicks over predicted clicks."""

import numpy as np

from common.log import logger

SMALLEST = 1e-7


class ClickScores:
    """AUC (exact, or from counts in buckets), log loss and COPC, over all rows of all processes.

    Args:
        buckets (int): 0 keeps every probability and gives the exact AUC; else probabilities are counted in so many
            equal intervals, in constant memory, and the AUC is at most 1 / buckets times the share of ties off.
    """

    primary = "auc"
    higher_is_better = True

    def __init__(self, buckets=0):
        if buckets and buckets < 2:
            raise ValueError(f"ClickScores got buckets={buckets}; it must be 0 or 2 and more")
        self.buckets = buckets
        self.reset()

    def reset(self):
        """Forgets all rows."""
        self.sums = np.zeros(4)  # rows, clicks, predicted clicks, log loss
        self.counts = np.zeros((2, max(self.buckets, 1)), np.int64)
        self.scores, self.labels = [], []

    def update(self, outputs, batch):
        """Takes `probability` [N] of the outputs and `label` [N] of the batch."""
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
        """What `merge` of another process takes."""
        arrays = {"sums": self.sums, "counts": self.counts}
        if not self.buckets:
            arrays["scores"] = np.concatenate([np.zeros(0), *self.scores])
            arrays["labels"] = np.concatenate([np.zeros(0, bool), *self.labels])
        return arrays

    def merge(self, states):
        """Takes the place of the states of all processes together."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)
        self.counts = sum(np.asarray(state["counts"]) for state in states)
        if not self.buckets:
            self.scores = [np.asarray(state["scores"]) for state in states]
            self.labels = [np.asarray(state["labels"], bool) for state in states]

    def compute(self):
        """`auc`, `log_loss`, `copc` (clicks over predicted clicks), `click_rate`; NaN where they have no meaning.

        One probability that is not a number leaves the click rate alone.
        """
        rows, clicks, predicted, loss = self.sums.tolist()
        if self.buckets:
            auc = auc_of_counts(self.counts[0], self.counts[1])
        else:
            auc = exact_auc(np.concatenate([np.zeros(0), *self.scores]), np.concatenate([[], *self.labels]) > 0.5)
        if rows and not 0 < clicks < rows:
            logger.warning("all %d labels are %d: the AUC is not defined", rows, bool(clicks))
        nan = float("nan")
        if predicted != predicted:
            logger.warning("the model gave probabilities that are not numbers: there is no AUC")
            auc = nan
        return {
            "auc": auc,
            "log_loss": loss / rows if rows else nan,
            "copc": clicks / predicted if predicted else nan,
            "click_rate": clicks / rows if rows else nan,
        }


def exact_auc(scores, labels):
    """The probability that a row with label 1 scores above one with label 0, ties counting half (Mann and Whitney).

    Args:
        scores (ndarray): float [N].
        labels (ndarray): bool [N].

    Returns:
        float: NaN without both labels.
    """
    positives, negatives = int(labels.sum()), int((~labels).sum())
    if not positives or not negatives:
        return float("nan")
    _, place = np.unique(scores, return_inverse=True)
    return auc_of_counts(np.bincount(place[~labels], minlength=1 + place.max()), np.bincount(place[labels]))


def auc_of_counts(negatives, positives):
    """The AUC of rows counted by rising score: those with label 0 and with label 1 in each interval."""
    positives = np.pad(positives, (0, len(negatives) - len(positives)))
    below = np.cumsum(negatives) - negatives
    pairs = float(positives.sum()) * float(negatives.sum())
    return float((positives * (below + 0.5 * negatives)).sum() / pairs) if pairs else float("nan")
