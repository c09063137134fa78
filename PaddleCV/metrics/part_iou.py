"""The intersection over union of the parts of shapes, averaged over shapes (PointNet++, section 4 and appendix).

Shapes in this file:
    N shapes of P points.
"""

import numpy as np

from ..data.shape_parts import PARTS, categories_of_parts


class PartIoU:
    """The mean over the parts of a shape's category, then over all shapes, and over the categories.

    A part that neither the truth nor the prediction has counts as 1. The prediction does not know the category.

    Args:
        dataset (object): ShapeNetParts.
    """

    primary = "instance_mIoU"

    def __init__(self, dataset):
        self.categories = categories_of_parts()
        if len(dataset.labels) != len(self.categories):
            raise ValueError(f"PartIoU takes the {len(self.categories)} parts of ShapeNet, not {len(dataset.labels)}")
        self.reset()

    def reset(self):
        """Resets the sums."""
        self.sums, self.counts = np.zeros(len(PARTS)), np.zeros(len(PARTS), np.int64)

    def update(self, outputs, batch):
        """Adds a batch: outputs `label_map` int [N, P] and batch `mask` uint8 [N, P]."""
        for found, truth in zip(np.asarray(outputs["label_map"]), np.asarray(batch["mask"])):
            category = int(np.bincount(self.categories[truth], minlength=len(PARTS)).argmax())
            ious = []
            for part in np.flatnonzero(self.categories == category):
                union = np.count_nonzero((found == part) | (truth == part))
                ious.append(np.count_nonzero((found == part) & (truth == part)) / union if union else 1.0)
            self.sums[category] += np.mean(ious)
            self.counts[category] += 1

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"sums": self.sums, "counts": self.counts}

    def merge(self, states):
        """Replaces the sums by those over all processes."""
        self.sums = sum(state["sums"] for state in states)
        self.counts = sum(state["counts"] for state in states)

    def compute(self):
        """`instance_mIoU` over all shapes, `category_mIoU` over the categories that occur; 0 without shapes."""
        there = self.counts > 0
        means = self.sums[there] / self.counts[there]
        total = max(int(self.counts.sum()), 1)
        return {
            "instance_mIoU": float(self.sums.sum() / total),
            "category_mIoU": float(means.mean()) if len(means) else 0.0,
        }

    def per_class(self):
        """The number of shapes and the mean IoU of each category by name; -1 for one without shapes."""
        return {
            name: {
                "shapes": int(self.counts[k]),
                "mIoU": float(self.sums[k] / self.counts[k]) if self.counts[k] else -1,
            }
            for k, name in enumerate(PARTS)
        }
