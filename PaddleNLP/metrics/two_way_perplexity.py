"""Perplexity of a language model in both directions."""

import numpy as np

from common.inference.metrics import Perplexity


class TwoWayPerplexity(Perplexity):
    """exp of the mean cross entropy of a word, in nats, given the words before it and given those behind it.

    Args:
        count (str): the array of a batch whose sum is the number of predicted words.
    """

    sides = ("forward", "backward")

    def __init__(self, count="predicted"):
        super().__init__("loss_forward", count)

    def compute(self):
        """{"perplexity": of both directions, "forward", "backward", "loss": the mean of both}."""
        losses = [self.mean(f"loss_{side}") for side in self.sides]
        found = {side: float(np.exp(loss)) for side, loss in zip(self.sides, losses)}
        return {"perplexity": float(np.exp(np.mean(losses)))} | found | {"loss": float(np.mean(losses))}
