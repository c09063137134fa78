"""Average recall of proposals of segments (ActivityNet's AR@AN and its area).

Shapes in this file:
    A proposals and B segments of a video.
"""

import numpy as np

from common.vision.segments import segment_overlaps

OVERLAPS = np.arange(0.5, 0.96, 0.05)


class AverageRecall:
    """The recall of segments by the first proposals of each video, averaged over overlaps of 0.5, 0.55, ... 0.95.

    `ar_1`, `ar_5`, `ar_10`, `ar_20`, `ar_50` and `ar_100` are those of that many proposals a video, `auc` the area
    under the curve up to 100 in percent, `recall50_20` the recall at an overlap of 0.5 by 20 proposals.

    Args:
        dataset (object): of videos.
        task (Task): ActionLocalization, which makes segments of outputs.
        most (int): proposals of a video at most.
        primary (str): the score that chooses the best checkpoint.
    """

    def __init__(self, dataset, task, most=100, primary="auc"):
        self.task, self.most, self.primary = task, most, primary
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.hits = np.zeros((self.most, len(OVERLAPS)))  # segments found by so many proposals at each overlap
        self.total = 0

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs of the task, and batch `segments`, shares of the video."""
        count = len(batch["segments"])
        given = [{"duration": 1.0}] * count
        for records, truth in zip(self.task.records(outputs, given, None, 0.0), batch["segments"]):
            found = np.array([[one["start"], one["end"]] for one in records[: self.most]]).reshape(-1, 2)
            self.add(found, np.asarray(truth).reshape(-1, 2))

    def add(self, proposals, truth):
        """Adds a video: proposals [A, 2], the best first, and segments [B, 2]."""
        self.total += len(truth)
        best = np.zeros((self.most, len(truth)))  # the largest overlap with the proposals up to each
        if len(proposals) and len(truth):
            running = np.maximum.accumulate(segment_overlaps(proposals, truth), 0)
            best[: len(running)] = running[: self.most]
            best[len(running) :] = running[-1]
        self.hits += (best[:, :, None] >= OVERLAPS - 1e-9).sum(1)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"hits": self.hits, "total": np.array(self.total)}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.hits = sum(state["hits"] for state in states)
        self.total = int(sum(state["total"] for state in states))

    def compute(self):
        """The recalls by name, see the class; 0 without segments."""
        recall = self.hits / max(1, self.total)  # [most, overlaps]
        curve = recall.mean(1)
        found = {f"ar_{n}": float(curve[n - 1]) for n in (1, 5, 10, 20, 50, 100) if n <= self.most}
        area = np.trapezoid(curve, np.arange(1, self.most + 1)) / self.most if self.most > 1 else curve[0]
        at = min(20, self.most) - 1
        return found | {"auc": float(100 * area), "recall50_20": float(recall[at, 0])}
