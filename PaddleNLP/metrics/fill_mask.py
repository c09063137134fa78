"""Scores of the pre-training of encoders: hidden words and second segments."""

import numpy as np


class FillMaskScores:
    """The perplexity and accuracy of hidden tokens, and the accuracy of second segments.

    Its model defines `fill_scores(batch)`.
    """

    needs, primary, higher_is_better = "model", "perplexity", False

    def __init__(self):
        self.reset()

    def reset(self):
        """Forgets all batches."""
        self.sums = np.zeros(5)  # loss, hits and number of hidden tokens; right second segments and their number

    def update(self, model, batch):
        """Adds a batch.

        Args:
            model (object): with `fill_scores`: `losses` and `hits` of hidden tokens, `right` of segments.
            batch (dict): its arrays.
        """
        found = model.fill_scores(batch)
        tokens, segments = len(found["losses"]), len(found["right"])
        self.sums += [float(found["losses"].sum()), found["hits"].sum(), tokens, found["right"].sum(), segments]

    def state(self):
        """The sums."""
        return {"sums": self.sums}

    def merge(self, states):
        """Takes the sums over all processes."""
        self.sums = sum(state["sums"] for state in states)

    def compute(self):
        """{"perplexity", "masked_accuracy", "next_accuracy"}; NaN without a batch."""
        loss, hits, tokens, right, segments = self.sums
        if not tokens or not segments:
            return dict.fromkeys(("perplexity", "masked_accuracy", "next_accuracy"), float("nan"))
        return {
            "perplexity": float(np.exp(loss / tokens)),
            "masked_accuracy": float(hits / tokens),
            "next_accuracy": float(right / segments),
        }
