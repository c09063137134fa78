"""The mean score of the right class."""

import numpy as np


class MeanScore:
    """Mean score of the right class; unlike an accuracy it shows the last bit of a difference."""

    primary = "mean_score"

    def __init__(self):
        self.reset()

    def reset(self):
        """Forgets all samples."""
        self.sum, self.count = 0.0, 0

    def update(self, outputs, batch):
        """Adds a batch."""
        scores = outputs["scores"][np.arange(len(batch["label"])), batch["label"]]
        self.sum += float(scores.astype(np.float64).sum())
        self.count += len(scores)

    def state(self):
        """What `merge` takes."""
        return {"sum": np.array(self.sum), "count": np.array(self.count)}

    def merge(self, states):
        """Takes over the samples of all processes."""
        self.sum = sum(float(state["sum"]) for state in states)
        self.count = sum(int(state["count"]) for state in states)

    def compute(self):
        """The score."""
        return {"mean_score": self.sum / self.count}
