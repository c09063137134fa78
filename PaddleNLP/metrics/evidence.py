"""Scores of variational autoencoders of sentences."""

import numpy as np

from common.inference.metrics import Perplexity


class EvidencePerplexity(Perplexity):
    """exp of the negative evidence lower bound (ELBO) of a word, in nats, and the divergence of a sentence.

    The perplexity of the sentences is this or less (Bowman et al. 2016, https://arxiv.org/abs/1511.06349, section 3).
    """

    def __init__(self):
        self.sentences = 0
        super().__init__("loss_tokens", "length")

    def reset(self):
        """Forgets all batches."""
        super().reset()
        self.sentences = 0

    def update(self, losses, batch):
        """Adds a batch; see the parent class."""
        super().update(losses, batch)
        self.sentences += len(batch["length"])

    def state(self):
        """The arrays that processes exchange, by name."""
        return super().state() | {"sentences": np.asarray(self.sentences)}

    def merge(self, states):
        """Takes the sums over all processes."""
        super().merge(states)
        self.sentences = int(sum(state["sentences"] for state in states))

    def compute(self):
        """`perplexity`, `loss` of a word, `kl` of a sentence; `reconstruction` is the perplexity without the latter."""
        if not self.count:
            return dict.fromkeys(("perplexity", "loss", "kl", "reconstruction"), float("nan"))
        words, kl = (self.sums[name] / self.count for name in ("loss_tokens", "loss_kl"))
        return {
            "perplexity": float(np.exp(words + kl)),
            "loss": words + kl,
            "kl": kl * self.count / self.sentences,
            "reconstruction": float(np.exp(words)),
        }
