"""Mean average precision of segments with classes, by the protocol of ActivityNet, with the recall of the proposals.

Shapes in this file:
    P predictions of a class, B segments of a video.
"""

import numpy as np

from common.vision.segments import segment_overlaps

from .average_recall import OVERLAPS, AverageRecall


class SegmentMAP:
    """The mean over classes of the area under precision and recall, at overlaps of 0.5, 0.55, ... 0.95 and their mean.

    The predictions of a class are taken by score over all videos; one is right if it overlaps a segment of its class
    and video by enough that no better one has found. Classes without segments do not count. `map` is the mean over the
    overlaps, `map50` and `map75` those at 0.5 and 0.75; `ar_N` and `auc` are those of :class:`AverageRecall`, whatever
    the class.

    Args:
        dataset (object): of videos, with labels.
        task (Task): ActionDetection, which makes segments of outputs.
        most (int): proposals of a video for the recall.
        primary (str): the score that chooses the best checkpoint.
    """

    def __init__(self, dataset, task, most=100, primary="map"):
        self.task, self.primary = task, primary
        self.recall = AverageRecall(dataset, task, most)
        self.names = [str(number) for number in range(len(dataset.labels))]
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.recall.reset()
        self.counts = np.zeros(len(self.names), np.int64)  # segments of each class
        self.found = [np.zeros((0, 2 + len(OVERLAPS)))]  # class, score, right at each overlap

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs of the task, batch `segments` (shares) and `segment_labels`."""
        given = [{"duration": 1.0}] * len(batch["segments"])
        videos = self.task.records(outputs, given, self.names, 0.0)
        for records, truth, labels in zip(videos, batch["segments"], batch["segment_labels"]):
            truth, labels = np.asarray(truth, np.float64).reshape(-1, 2), np.asarray(labels, np.int64)
            self.counts += np.bincount(labels, minlength=len(self.names))
            segments = np.array([[one["start"], one["end"]] for one in records]).reshape(-1, 2)
            self.recall.add(segments[: self.recall.most], truth)
            classes = np.array([int(one["label"]) for one in records], np.int64)
            scores = np.array([one["score"] for one in records])
            for number in np.unique(classes):
                mine = classes == number
                right = right_predictions(segments[mine], truth[labels == number])
                self.found.append(np.column_stack([np.full(mine.sum(), number), scores[mine], right]))

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.counts, "found": np.concatenate(self.found), **self.recall.state()}

    def merge(self, states):
        """Replaces the counts by those of all processes."""
        self.recall.merge(states)
        self.counts = sum(state["counts"] for state in states)
        self.found = [state["found"] for state in states]

    def compute(self):
        """The scores by name, see the class; 0 without segments."""
        found = np.concatenate(self.found)
        found = found[np.argsort(-found[:, 1], kind="stable")]
        known = np.flatnonzero(self.counts)
        areas = np.array([self.areas(found[found[:, 0] == number, 2:], self.counts[number]) for number in known])
        mean = areas.mean(0) if len(known) else np.zeros(len(OVERLAPS))
        scores = {"map": float(mean.mean()), "map50": float(mean[0]), "map75": float(mean[5])}
        return scores | self.recall.compute()

    @staticmethod
    def areas(right, total):
        """The area at each overlap of predictions [P, overlaps], the best first, with `total` segments."""
        hits = np.cumsum(right, 0)
        precision = hits / np.arange(1, len(right) + 1)[:, None]
        precision = np.maximum.accumulate(precision[::-1], 0)[::-1]  # the best at this recall or a larger one
        return (precision * right).sum(0) / total


def right_predictions(segments, truth):
    """The predictions of a video, the best first [P, 2], that find a segment [B, 2] each: bool [P, overlaps]."""
    right = np.zeros((len(segments), len(OVERLAPS)), bool)
    if not len(truth):
        return right
    overlaps = segment_overlaps(segments, truth)
    for place, least in enumerate(OVERLAPS):
        free = np.ones(len(truth), bool)
        for row, mine in enumerate(overlaps):
            best = np.where(free & (mine >= least - 1e-9), mine, -1.0)
            if best.max() >= 0:
                free[best.argmax()] = False
                right[row, place] = True
    return right
