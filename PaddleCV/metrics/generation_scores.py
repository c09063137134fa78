"""Scores of images generated from noise: Fréchet distance, and the judgment of a classifier of real images.

Shapes in this file:
    N images of a batch, I images of the evaluation data, D channels, F features, C classes.
"""

import numpy as np

from .judge import Judge

GRID = 7  # cells a side of the mean gray levels that are compared without a judge


class GenerationScores:
    """The Fréchet distance (FID, https://arxiv.org/abs/1706.08500) of generated and real images, and what a judge says.

    With a judge, a trained classifier, the features are those that its head sees, and there are `label_accuracy`, the
    share of images that it takes for the class they were generated for, and `least_share`, the share of the class that
    it sees least, in a generator without classes.  Without one the features are mean gray levels of 7 x 7 cells.
    The distance depends on the number of images and on the judge: compare runs of the same evaluation only.

    Args:
        judge (dict | None): `config` and `weights` of a classifier, see Judge.
        dataset (object): the evaluation data, with `labels`.
    """

    primary = "fid"
    higher_is_better = False

    def __init__(self, judge=None, dataset=None):
        self.labels = list(getattr(dataset, "labels", None) or [])
        self.judge = Judge(**judge, labels=self.labels) if judge else None
        self.reset()

    def reset(self):
        """Forgets all images."""
        self.parts = {"real": [], "fake": [], "label": [], "seen": []}

    def update(self, outputs, batch):
        """Adds a batch.

        Args:
            outputs (dict): `image` float32 [N, D, H, W] from -1 to 1.
            batch (dict): `image` float32 [N, D, H, W], real ones; `label` int64 [N].
        """
        for name, image in (("real", batch["image"]), ("fake", outputs["image"])):
            features, logits = self.judge(image) if self.judge else (cell_means(image), None)
            self.parts[name].append(features.astype(np.float64))
        self.parts["label"].append(np.asarray(batch["label"], np.int64))
        if logits is not None:
            self.parts["seen"].append(logits.argmax(axis=1))

    def state(self):
        """Features [I, F], labels [I] and the judge's classes [I] of this process."""
        empty = {"real": np.zeros((0, 0)), "fake": np.zeros((0, 0)), "label": np.zeros(0, np.int64)}
        empty["seen"] = np.zeros(0, np.int64)
        return {name: np.concatenate(parts) if parts else empty[name] for name, parts in self.parts.items()}

    def merge(self, states):
        """Replaces the images by those of all processes."""
        states = [state for state in states if len(state["real"])]
        self.parts = {name: [state[name] for state in states if len(state[name])] for name in self.parts}

    def compute(self):
        """`fid`, and with a judge `label_accuracy` and `least_share` (0 to 1)."""
        state = self.state()
        found = {"fid": frechet_distance(state["real"], state["fake"])}
        if self.judge:
            counts = np.bincount(state["seen"], minlength=len(self.labels))
            found["label_accuracy"] = float((state["seen"] == state["label"]).mean())
            found["least_share"] = float(counts.min() / max(1, counts.sum()))
        return found


def cell_means(image):
    """The mean gray levels of GRID x GRID cells of images float [N, D, H, W]: [N, GRID * GRID]."""
    gray = np.asarray(image, np.float64).mean(axis=1)
    rows = [part.mean(axis=1) for part in np.array_split(gray, min(GRID, gray.shape[1]), axis=1)]
    rows = np.stack(rows, axis=1)
    cells = [part.mean(axis=2) for part in np.array_split(rows, min(GRID, rows.shape[2]), axis=2)]
    return np.stack(cells, axis=2).reshape(len(gray), -1)


def frechet_distance(first, second):
    """The squared Fréchet distance of the normal distributions fitted to two sets of features.

    |m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2)); the trace of the root is the sum of the roots of the eigenvalues of
    C1^(1/2) C2 C1^(1/2), which are not negative.

    Args:
        first (ndarray): float64 [I, F].
        second (ndarray): float64 [J, F].
    """
    means = first.mean(axis=0) - second.mean(axis=0)
    one, two = (np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return max(0.0, float(means @ means + np.trace(one) + np.trace(two) - 2 * shared))
