"""Average precision of boxes in space as KITTI defines it, seen from above and in space.

Shapes in this file:
    G objects of a frame, D detections of a frame.
"""

import numpy as np

from common.inference.task import samples_of
from common.vision.boxes_3d import overlaps_3d

from ..data.kitti_objects import DIFFICULTIES

RECALLS = np.linspace(0, 1, 11)
UNUSED = -1  # a detection of an object of another difficulty, which does not count


class KittiAP:
    """The precision at 11 recalls, for the easy, moderate and hard objects of the first class.

    Detections of objects that are harder do not count. Regions without annotation (DontCare) are not known here, so
    that a detection in them is wrong.

    Args:
        dataset (object): KittiObjects.
        task (Task): PointDetection, which makes boxes of outputs.
        iou (float): least overlap of a detection with its object.
    """

    primary = "AP_3D_moderate"
    undefined, undefined_text = -1.0, "the data have no such objects"

    def __init__(self, dataset, task, iou=0.7):
        if not 0 < iou <= 1:
            raise ValueError(f"iou is {iou}; it must be between 0 and 1")
        self.labels, self.task, self.iou = list(dataset.labels), task, iou
        self.reset()

    def reset(self):
        """Resets the verdicts."""
        count = len(DIFFICULTIES)
        self.totals = np.zeros(count, np.int64)
        self.verdicts = [[] for _ in range(2 * count)]  # (score, 1 or 0) of detections, by view and difficulty

    def update(self, outputs, batch):
        """Adds a batch: outputs of the model, and `truth` of each frame, float32 [G, 10], see `KittiObjects`."""
        frames = self.task.records(outputs, samples_of(batch), self.labels, 0.0)
        for found, truth in zip(frames, batch["truth"]):
            truth = np.asarray(truth, np.float64).reshape(-1, 10)
            truth = truth[truth[:, 7] == 0]
            boxes = np.array([item["box"] for item in found]).reshape(-1, 7)
            scores = [item["score"] for item in found]
            overlaps = overlaps_3d(boxes, truth[:, :7])
            for level in range(len(DIFFICULTIES)):
                counts = truth[:, 8] >= 2 - level
                self.totals[level] += counts.sum()
                for view, overlap in enumerate(overlaps):
                    verdict = judge_boxes(overlap, counts, self.iou)
                    rows = [(score, right) for score, right in zip(scores, verdict) if right != UNUSED]
                    self.verdicts[len(DIFFICULTIES) * view + level] += rows

    def state(self):
        """The verdicts of this process (dict of arrays)."""
        rows = [(number, *row) for number, found in enumerate(self.verdicts) for row in found]
        return {"totals": self.totals, "verdicts": np.array(rows, np.float64).reshape(-1, 3)}

    def merge(self, states):
        """Replaces the verdicts by those of all processes."""
        self.totals = sum(state["totals"] for state in states)
        rows = np.concatenate([state["verdicts"] for state in states])
        self.verdicts = [[tuple(row) for row in rows[rows[:, 0] == number, 1:]] for number in range(len(self.verdicts))]

    def compute(self):
        """`AP_3D_easy`, `AP_BEV_easy` and so on; -1 for a difficulty without objects."""
        found = {}
        for view, name in enumerate(("BEV", "3D")):
            for level, difficulty in enumerate(DIFFICULTIES):
                rows = self.verdicts[len(DIFFICULTIES) * view + level]
                found[f"AP_{name}_{difficulty}"] = precision_at_recalls(rows, int(self.totals[level]))
        return dict(sorted(found.items()))


def judge_boxes(overlap, counts, iou):
    """Verdicts of the detections, the best first: right (1), wrong (0), or not counted (UNUSED), int [D].

    Args:
        overlap (ndarray): [D, G].
        counts (ndarray): bool [G], the objects of the difficulty.
        iou (float): least overlap.
    """
    free, verdict = np.ones(len(counts), bool), np.zeros(len(overlap), np.int64)
    for row, mine in enumerate(overlap):
        fits = free & (mine >= iou)
        if fits.any():
            chosen = int(np.where(fits, mine + counts, -1).argmax())  # objects that count come first
            free[chosen] = False
            verdict[row] = 1 if counts[chosen] else UNUSED
    return verdict


def precision_at_recalls(rows, total):
    """The mean over 11 recalls of the largest precision at that recall or above; -1 without objects.

    Args:
        rows (list[tuple]): score and 1 or 0 of each detection.
        total (int): number of objects.
    """
    if not total:
        return -1.0
    if not rows:
        return 0.0
    scores, right = np.array(rows, np.float64).T
    hits = np.cumsum(right[np.argsort(-scores, kind="stable")])
    precision, recall = hits / np.arange(1, len(hits) + 1), hits / total
    return float(np.mean([max(precision[recall >= least - 1e-9], default=0.0) for least in RECALLS]))
