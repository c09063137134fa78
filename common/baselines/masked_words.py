"""Baseline of filling hidden words: how frequent each word is.

Shapes in this file:
    N texts of T tokens (padded), M hidden tokens of all texts, V tokens of the vocabulary.
"""

import numpy as np

from .baseline import Baseline


class UnigramFill(Baseline):
    """The share of each token among the training texts (one added to each count), whatever is around a place.

    Args:
        vocab_size (int): V.
    """

    title = "word frequencies"
    gives = "model"

    def __init__(self, vocab_size):
        self.counts, self.unrelated, self.seen = np.ones(vocab_size), 0, 0

    def see(self, batch):
        """Counts the tokens of a batch between the first and the last one of each text."""
        whole = np.where(batch["targets"] >= 0, batch["targets"], batch["input_ids"])
        for row, length in zip(whole, batch["length"], strict=True):
            np.add.at(self.counts, row[1 : int(length) - 1], 1)
        self.unrelated += int(np.sum(batch["unrelated"]))
        self.seen += len(batch["unrelated"])

    def predict(self, batch):
        """This model itself: what a metric needs is `fill_scores`."""
        return self

    def fill_scores(self, batch):
        """See the model of pre-training: `losses` [M] and `hits` [M] of the hidden tokens, `right` [N]."""
        targets = batch["targets"][batch["targets"] >= 0]
        losses = -np.log(self.counts[targets] / self.counts.sum())
        likely = int(2 * self.unrelated > self.seen)
        hits = targets == self.counts.argmax()
        return {"losses": losses, "hits": hits, "right": np.asarray(batch["unrelated"]) == likely}
