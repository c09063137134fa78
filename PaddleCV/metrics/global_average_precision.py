"""Global average precision of multi-label classification (https://arxiv.org/abs/1609.08675, section 5.1.1).

Shapes in this file:
    N videos of a batch, C classes.
"""

import numpy as np

from .accuracy import check_targets


class GlobalAveragePrecision:
    """GAP@k: the average precision of the k best classes of all videos in one list, and hit@1.

    Args:
        dataset (object): with `labels`, and optionally `targets`.
        k (int): classes of a video that are taken.
    """

    primary = "gap"

    def __init__(self, dataset, k=20):
        if k < 1:
            raise ValueError(f"k is {k}; it is 1 or more")
        check_targets(self, getattr(dataset, "targets", None), multi_label=True)
        self.k = min(k, len(dataset.labels))
        self.reset()

    def reset(self):
        """Resets the predictions."""
        self.confidences, self.right, self.positives, self.first = [], [], 0, []

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `scores` [N, C] and batch `label` [N, C], 0 or 1."""
        scores = np.nan_to_num(np.asarray(outputs["scores"], np.float64), nan=-1.0)
        target = np.asarray(batch["label"]) > 0.5
        best = np.argsort(-scores, axis=1, kind="stable")[:, : self.k]
        self.confidences.append(np.take_along_axis(scores, best, 1).reshape(-1))
        right = np.take_along_axis(target, best, 1)
        self.right.append(right.reshape(-1))
        self.first.append(right[:, 0])
        self.positives += int(target.sum())

    def state(self):
        """The predictions of this process (dict of arrays)."""
        joined = {"scores": self.confidences, "right": self.right, "first": self.first}
        arrays = {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in joined.items()}
        return arrays | {"positives": np.array(self.positives)}

    def merge(self, states):
        """Replaces the predictions by those of all processes."""
        self.confidences, self.right, self.first = (
            [state[n] for state in states] for n in ("scores", "right", "first")
        )
        self.positives = int(sum(state["positives"] for state in states))

    def compute(self):
        """`gap` and `hit1`; 0 without videos."""
        state = self.state()
        right = state["right"][np.argsort(-state["scores"], kind="stable")].astype(np.float64)
        precision = np.cumsum(right) / np.arange(1, len(right) + 1)
        gap = float((precision * right).sum() / max(1, self.positives))
        return {"gap": gap, "hit1": float(np.mean(state["first"])) if len(state["first"]) else 0.0}
