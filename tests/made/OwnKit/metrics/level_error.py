"""A metric that scores records."""

import numpy as np

from common.inference.task import samples_of


class LevelError:
    """The mean error of the brightness that the task records.

    Args:
        task (Task): makes records of outputs.
    """

    primary, higher_is_better = "error", False

    def __init__(self, task):
        self.task = task
        self.reset()

    def reset(self):
        """Forgets all batches."""
        self.sums = np.zeros(2)  # errors, samples

    def update(self, outputs, batch):
        """Adds a batch."""
        for (record,), level in zip(self.task.records(outputs, samples_of(batch), None, 0.0), batch["level"]):
            self.sums += (abs(record["level"] - level), 1)

    def state(self):
        """What processes exchange."""
        return {"sums": self.sums}

    def merge(self, states):
        """Takes the states of all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)

    def compute(self):
        """The mean error."""
        return {"error": float(self.sums[0] / max(1, self.sums[1]))}
