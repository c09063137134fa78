"""Precision, recall and their harmonic mean of lines of text, by the protocol of ICDAR 2015, task 4.1.

https://rrc.cvc.uab.es/?ch=4&com=tasks: a line is found when the overlap of both outlines has an IoU above 0.5; lines
that cannot be read count neither as found nor as missed, and neither do boxes of which more than half lies in one of
them.
"""

import cv2
import numpy as np

IGNORED_SHARE = 0.5


class TextHmean:
    """Precision, recall and hmean of the lines of text over a set of images.

    Args:
        task (Task): TextDetection, which makes lines of outputs.
        iou (float): from which on a line is found.
    """

    primary = "hmean"

    def __init__(self, task, iou=0.5):
        if not 0 < iou < 1:
            raise ValueError(f"iou is {iou}; it must be between 0 and 1")
        self.task, self.iou = task, iou
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.counts = np.zeros(3, np.float64)  # matches, lines found, lines there

    def update(self, outputs, batch):
        """Adds the predictions of a batch.

        Args:
            outputs (dict[str, ndarray]): see `common.inference.tasks.text_detection.TextDetection`.
            batch (dict): of samples: `keypoints` [N, n, 4, 3] in input pixels, `difficult` [N, n], and the sizes.
        """
        keys = ("original_size", "im_shape", "scale_factor")
        samples = [dict(zip(keys, values)) for values in zip(*(np.asarray(batch[key]) for key in keys))]
        found = self.task.records(outputs, samples, None, self.task.threshold)
        for records, corners, hard, sample in zip(found, batch["keypoints"], batch["difficult"], samples):
            corners, hard = np.asarray(corners, np.float32), np.asarray(hard, bool)
            there = corners[:, 0, 2] > 0
            truth = corners[there, :, :2] / np.asarray(sample["scale_factor"], np.float32)[::-1]
            self.add([np.float32(record["points"]) for record in records], truth, hard[there])

    def add(self, found, truth, hard):
        """Adds the lines of one image.

        Args:
            found (list[ndarray]): corners float32 [4, 2] of each line that was found.
            truth (ndarray): corners float32 [n, 4, 2] of the lines that are there.
            hard (ndarray): bool [n], the lines that do not count.
        """
        truth = np.ascontiguousarray(truth, np.float32)
        overlaps = np.array([[overlap(a, b) for b in truth] for a in found]).reshape(len(found), len(truth))
        mine = np.array([cv2.contourArea(a) for a in found])
        theirs = np.array([cv2.contourArea(b) for b in truth])
        if hard.any() and len(found):
            kept = (overlaps[:, hard] <= IGNORED_SHARE * mine[:, None]).all(1)
            overlaps, mine = overlaps[kept], mine[kept]
        overlaps, theirs = overlaps[:, ~hard], theirs[~hard]
        ious = overlaps / np.maximum(mine[:, None] + theirs[None] - overlaps, 1e-9)
        matches = 0
        while ious.size and ious.max() > self.iou:
            row, column = np.unravel_index(ious.argmax(), ious.shape)
            ious[row], ious[:, column] = 0, 0
            matches += 1
        self.counts += (matches, len(mine), len(theirs))

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.counts}

    def merge(self, states):
        """Adds the counts of all processes."""
        self.counts = sum(np.asarray(state["counts"]) for state in states)

    def compute(self):
        """`precision`, `recall` and `hmean`, 0 without lines."""
        matches, found, there = self.counts
        precision, recall = matches / max(found, 1), matches / max(there, 1)
        return {
            "precision": precision,
            "recall": recall,
            "hmean": 2 * precision * recall / max(precision + recall, 1e-9),
        }


def overlap(one, other):
    """The area that two convex outlines float32 [4, 2] have in common."""
    return float(cv2.intersectConvexConvex(*(np.ascontiguousarray(points, np.float32) for points in (one, other)))[0])
