"""Metrics made of the losses of a model: validation loss and perplexity."""

import numpy as np


class ValidationLoss:
    """The mean losses over the evaluation data, and their sum, `loss`.

    A loss of a batch is taken for the mean over its samples, so that a smaller last batch counts less.
    """

    needs, primary, higher_is_better = "losses", "loss", False

    def __init__(self):
        self.reset()

    def reset(self):
        """Forgets all batches."""
        self.sums, self.count = {}, 0.0

    def update(self, losses, batch):
        """Adds a batch.

        Args:
            losses (dict[str, float]): by name.
            batch (dict): its arrays, [N, ...] each.
        """
        weight = self.weight(batch)
        self.count += weight
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + weight * value

    def weight(self, batch):
        """The number of samples of a batch."""
        return float(next(len(value) for value in batch.values() if isinstance(value, np.ndarray) and value.ndim))

    def state(self):
        """The arrays that processes exchange, by name."""
        return {"count": np.asarray(self.count)} | {f"sum/{n}": np.asarray(v) for n, v in self.sums.items()}

    def merge(self, states):
        """Takes the sums over all processes."""
        self.count = float(sum(state["count"] for state in states))
        names = dict.fromkeys(name for state in states for name in state if name.startswith("sum/"))
        self.sums = {n.removeprefix("sum/"): float(sum(state.get(n, 0.0) for state in states)) for n in names}

    def compute(self):
        """{"loss": their sum, and each loss by its name}; NaN without a batch."""
        means = {name: value / self.count if self.count else float("nan") for name, value in self.sums.items()}
        return {"loss": sum(means.values()) if means else float("nan")} | means


class Perplexity(ValidationLoss):
    """exp of the mean cross entropy of a token, in nats.

    Args:
        loss (str): the model's loss that is the mean cross entropy over the tokens of a batch.
        count (str): the array of a batch whose sum is the number of predicted tokens, such as a mask or the lengths;
            None where each batch has as many tokens as samples.
    """

    primary = "perplexity"

    def __init__(self, loss, count=None):
        self.loss, self.key = loss, count
        super().__init__()

    def weight(self, batch):
        """The number of predicted tokens of a batch."""
        return super().weight(batch) if self.key is None else float(np.sum(batch[self.key]))

    def compute(self):
        """{"perplexity", "loss"}: over all tokens; raises ValueError, see `mean`."""
        mean = self.mean(self.loss)
        return {"perplexity": float(np.exp(mean)), "loss": mean}

    def mean(self, loss):
        """The mean of a loss over all tokens, NaN without a batch.

        Args:
            loss (str): its name.

        Raises:
            ValueError: the model has no loss of that name.
        """
        if self.sums and loss not in self.sums:
            raise ValueError(f"{type(self).__name__}: there is no loss '{loss}'; the losses are {', '.join(self.sums)}")
        return self.sums[loss] / self.count if self.sums and self.count else float("nan")
