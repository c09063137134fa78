"""Joint accuracy of dialogue states (Henderson et al. 2014, https://aclanthology.org/W14-4337, section 4)."""

import numpy as np


class JointAccuracy:
    """The share of turns of whose state every value is right, and micro-averaged F1 of the values.

    Args:
        threshold (float): a value is in the state where it scores more.
    """

    primary = "joint"

    def __init__(self, threshold=0.5):
        self.threshold = threshold
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.counts = np.zeros(5, np.int64)  # turns, right turns, predicted, annotated, correct values

    def update(self, outputs, batch):
        """Adds a batch: outputs `scores` [N, C] and batch `label` [N, C]."""
        found, given = np.asarray(outputs["scores"]) > self.threshold, np.asarray(batch["label"]) > 0.5
        right = (found == given).all(1)
        self.counts += (len(right), right.sum(), found.sum(), given.sum(), (found & given).sum())

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.counts}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.counts = sum(np.asarray(state["counts"]) for state in states)

    def compute(self):
        """`joint` and `F1`, from 0 to 1."""
        turns, right, predicted, annotated, correct = (int(n) for n in self.counts)
        return {"joint": right / max(1, turns), "F1": 2 * correct / max(1, predicted + annotated)}
