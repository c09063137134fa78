"""Recall of moments by sentences: R@n, IoU=m, as TALL reports it (https://arxiv.org/abs/1705.02101, section 4.2)."""

import numpy as np

from common.inference.task import samples_of
from common.vision.segments import segment_overlaps


class MomentRecall:
    """The shares of sentences for which one of the first n segments overlaps the true one by m or more.

    `r1_iou50` is that of the first segment at an overlap of 0.5, `r5_iou70` of the first five at 0.7, and so on;
    `mean_iou` the mean overlap of the first one.

    Args:
        task (Task): MomentRetrieval, which makes segments of outputs; its `keep` is at least the largest n.
        first (list[int]): n.
        overlaps (list[float]): m.
        primary (str): the score that chooses the best checkpoint.
    """

    def __init__(self, task, first=(1, 5), overlaps=(0.1, 0.3, 0.5, 0.7), primary="r1_iou50"):
        if max(first) > task.keep:
            raise ValueError(f"first is {list(first)}, but the task keeps {task.keep} segments: set postprocess.keep")
        self.task, self.first, self.overlaps, self.primary = task, list(first), np.array(overlaps), primary
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.hits = np.zeros((len(self.first), len(self.overlaps)))
        self.sums = np.zeros(2)  # overlaps of the first segments, sentences

    def update(self, outputs, batch):
        """Adds the predictions of a batch with `segment`, shares of the video, and what the task needs."""
        keys = ("spans", "length", "segment")
        samples = samples_of({key: batch[key] for key in keys})
        for records, sample in zip(self.task.records(outputs, samples, None, 0.0), samples, strict=True):
            self.add(np.array([[one["start"], one["end"]] for one in records]).reshape(-1, 2), sample["segment"])

    def add(self, found, segment):
        """Adds a sentence: segments [A, 2], the best first, and the true one [2]."""
        overlaps = segment_overlaps(found, segment)[:, 0]
        for row, count in enumerate(self.first):
            self.hits[row] += overlaps[:count].max(initial=0) >= self.overlaps - 1e-9
        self.sums += (overlaps[0] if len(overlaps) else 0.0, 1)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"hits": self.hits, "sums": self.sums}

    def merge(self, states):
        """Replaces the counts by those over all processes."""
        self.hits, self.sums = (sum(np.asarray(state[key]) for state in states) for key in ("hits", "sums"))

    def compute(self):
        """The scores by name, see the class; 0 without sentences."""
        shares = self.hits / max(1.0, self.sums[1])
        found = {
            f"r{count}_iou{round(100 * overlap)}": float(share)
            for count, row in zip(self.first, shares)
            for overlap, share in zip(self.overlaps, row)
        }
        return found | {"mean_iou": float(self.sums[0] / max(1.0, self.sums[1]))}
