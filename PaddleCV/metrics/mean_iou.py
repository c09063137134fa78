"""Scores of semantic segmentation from one confusion matrix over all pixels.

Shapes in this file:
    N images of H x W pixels, C classes.
"""

import numpy as np

from .worst_masks import WorstMasks

IGNORED = 255


class MeanIoU:
    """Mean intersection over union, pixel accuracy, mean dice coefficient and Cohen's kappa.

    The means are over the classes that occur in the masks or in the predictions; ignored pixels do not count.

    Args:
        dataset (object): with `labels`.
    """

    primary = "mIoU"
    undefined, undefined_text = -1.0, "the data have no such pixels"

    def __init__(self, dataset):
        self.labels = list(dataset.labels)
        self.reset()

    def reset(self):
        """Resets the counts."""
        count = len(self.labels)
        self.matrix = np.zeros((count, count), np.int64)  # [label, prediction]
        self.worst_masks = WorstMasks(self.labels)

    def update(self, outputs, batch):
        """Adds the predictions of a batch.

        Args:
            outputs (dict[str, ndarray]): `label_map` int [N, H, W].
            batch (dict): `mask` uint8 [N, H, W], of the same size; 255 is ignored. Where there are `image` and `path`
                too, the samples with the lowest scores are kept for the report.

        Raises:
            ValueError: the sizes differ, or a class id is beyond the labels.
        """
        found, truth = np.asarray(outputs["label_map"]), np.asarray(batch["mask"])
        if found.shape != truth.shape:
            raise ValueError(f"the label maps have the shape {list(found.shape)}, the masks {list(truth.shape)}")
        count = len(self.labels)
        counted = truth != IGNORED
        for name, ids in (("a label map", found[counted]), ("a mask", truth[counted])):
            if ids.size and (ids.min() < 0 or ids.max() >= count):
                raise ValueError(f"{name} has the class id {ids.max()}; there are {count} classes")
        for k in range(len(found)):
            matrix = count_pairs(truth[k], found[k], count)
            self.matrix += matrix
            if "image" in batch and "path" in batch:
                score = mean_of_known(class_ious(matrix))
                self.worst_masks.add(score, batch["path"][k], np.asarray(batch["image"][k]), truth[k], found[k])

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"matrix": self.matrix}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.matrix = sum(state["matrix"] for state in states)

    def compute(self):
        """`mIoU`, `accuracy` (of pixels), `mean_accuracy` (of classes), `mean_dice`, `kappa`; 0 without pixels."""
        table = self.per_class().values()
        total = max(int(self.matrix.sum()), 1)
        right = float(np.trace(self.matrix) / total)
        chance = float((self.matrix.sum(0) / total) @ (self.matrix.sum(1) / total))
        return {
            "mIoU": mean_of_known(row["IoU"] for row in table),
            "accuracy": right,
            "mean_accuracy": mean_of_known(row["accuracy"] for row in table),
            "mean_dice": mean_of_known(row["dice"] for row in table),
            "kappa": (right - chance) / (1 - chance) if chance < 1 else 0.0,
        }

    def per_class(self):
        """Number of pixels, IoU, dice coefficient and accuracy of every class by name; -1 for an undefined ratio."""
        inner, truth, found = np.diag(self.matrix), self.matrix.sum(1), self.matrix.sum(0)
        ious = class_ious(self.matrix)
        return {
            name: {
                "pixels": int(truth[k]),
                "IoU": ious[k],
                "dice": ratio(2 * inner[k], truth[k] + found[k]),
                "accuracy": ratio(inner[k], truth[k]),
            }
            for k, name in enumerate(self.labels)
        }

    def confusion(self):
        """The confusion matrix, int64 [C, C]: labels in rows, predictions in columns."""
        return self.matrix

    def worst(self):
        """The samples of this process with the lowest mean IoU of the classes in them, see :class:`WorstMasks`."""
        return self.worst_masks.samples()


def count_pairs(truth, found, count):
    """The pixels of each true (rows) and predicted class (columns), int64 [count, count]; ignored ones do not count."""
    counted = truth != IGNORED
    pairs = truth[counted].astype(np.int64) * count + found[counted]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def class_ious(matrix):
    """The IoU of each class of a confusion matrix [C, C], list[float]; -1 for a class without a pixel."""
    inner, truth, found = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    return [ratio(*pair) for pair in zip(inner, truth + found - inner)]


def ratio(part, whole):
    """part / whole; -1 if whole is 0."""
    return float(part / whole) if whole else -1.0


def mean_of_known(values):
    """The mean of the values that are not -1; 0 without such values."""
    known = [value for value in values if value >= 0]
    return float(np.mean(known)) if known else 0.0
