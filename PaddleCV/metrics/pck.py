"""The percentage of correct keypoints: PCK (Yang and Ramanan, 2013) and PCKh (http://human-pose.mpi-inf.mpg.de).

Shapes in this file:
    P people, K keypoints.
"""

import numpy as np

from .keypoints import KeypointMetric

TORSO = (("right_shoulder", "r_shoulder"), ("left_hip", "l_hip"))
HEAD = (("head_top", "top_head"), ("upper_neck", "neck"))


class PCK(KeypointMetric):
    """The share of labeled keypoints that are predicted nearer than a part of the length of the torso.

    Args:
        dataset (KeypointDataset): annotated people.
        threshold (float): part of the length.
        ends (list[str] | None): the two keypoints whose distance is the length; None for the right shoulder and the
            left hip. A person of whom one of them is not labeled, does not count.
        flip (bool): predicts from the mean of the heat maps of each crop and of its mirror image.

    Raises:
        ValueError: the data have no such keypoints.
    """

    primary = "pck"
    default_ends = TORSO
    undefined, undefined_text = -1.0, "nobody of whom this keypoint and the reference length are labeled"

    def __init__(self, dataset, threshold=0.2, ends=None, flip=False):
        super().__init__(dataset, flip)
        if not threshold > 0:
            raise ValueError(f"{type(self).__name__} got threshold {threshold}; it must be above 0")
        self.threshold = threshold
        self.ends = [find_name(names, dataset.labels) for names in ([[end] for end in ends or ()] or self.default_ends)]
        if len(self.ends) != 2 or None in self.ends:
            raise ValueError(
                f"{type(self).__name__}: the length is the distance of two keypoints, "
                f"{' and '.join(ends or [names[0] for names in self.default_ends])}; the data have "
                f"{', '.join(dataset.labels)}"
            )

    def lengths(self, people):
        """The length of each person, float64 [P]; NaN where it is not known."""
        ends = self.dataset.people.points[people][:, self.ends]
        length = np.linalg.norm(ends[:, 0, :2] - ends[:, 1, :2], axis=1)
        return np.where((ends[:, :, 2] > 0).all(1) & (length > 0), length, np.nan)

    def correct(self):
        """Masks of the keypoints that count, and of the correct ones among them, two bool [P, K]."""
        people, points, _ = self.table()
        truth, length = self.dataset.people.points[people], self.lengths(people)
        counts = (truth[:, :, 2] > 0) & np.isfinite(length)[:, None]
        distance = np.linalg.norm(points[:, :, :2] - truth[:, :, :2], axis=2)
        return counts, counts & (distance <= self.threshold * length[:, None])

    def compute(self):
        """`pck`: over all keypoints that count; -1 without any."""
        counts, correct = self.correct()
        return {self.primary: float(correct.sum() / counts.sum()) if counts.any() else -1.0}

    def per_class(self):
        """The number of labeled keypoints and the share of correct ones, by the name of the keypoint."""
        counts, correct = (array.sum(0) for array in self.correct())
        return {
            name: {"keypoints": int(n), self.primary: float(good / n) if n else -1.0}
            for name, n, good in zip(self.dataset.labels, counts, correct)
        }


class PCKh(PCK):
    """The same of the size of the head, which is that of the data or the distance from its top to the neck.

    MPII's own size of the head is 0.6 of the diagonal of a box, and is given in the data where it is known.

    Args:
        dataset (KeypointDataset): annotated people.
        threshold (float): part of the size of the head.
        ends (list[str] | None): the two keypoints whose distance is the size; None for the top of the head and the
            neck. A person of whom one of them is not labeled, does not count.
        flip (bool): predicts from the mean of the heat maps of each crop and of its mirror image.
    """

    primary = "pckh"
    default_ends = HEAD

    def __init__(self, dataset, threshold=0.5, ends=None, flip=False):
        super().__init__(dataset, threshold, ends, flip)

    def lengths(self, people):
        """The size of the head of each person, float64 [P]; NaN where it is not known."""
        head = self.dataset.people.head[people]
        return np.where(np.isfinite(head), head, super().lengths(people))


def find_name(names, labels):
    """The place of the first of several names of a keypoint that the labels have, or None."""
    return next((labels.index(name) for name in names if name in labels), None)
