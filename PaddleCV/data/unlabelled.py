"""Reads pictures without labels, for a student that learns from its teacher's answers."""

import os

import numpy as np

from common.data.issues import IssueList

from .classification import ClassificationDataset, class_names
from .image_folder import pictures_in


class UnlabelledPictures(ClassificationDataset):
    """Every picture of a folder and of all within it, without a label.

    Args:
        root (str): the folder of the data set.
        folder (str): the folder of the pictures, in `root`; empty for `root` itself.
        labels (list[str] | str): class names in order, or a file with one a line; default `labels.txt` in `root` when
            there is one, else the numbers.
        num_classes (int): how many classes there are, where no labels say it.
        bad_samples (str): `error`, or `skip` a few images with errors.

    Raises:
        DataError: with every error found, each with a code of `common.data.issues`.
        ValueError: neither labels nor num_classes say how many classes there are.
    """

    def __init__(self, root="dataset/pictures", folder="", labels=None, num_classes=None, bad_samples="error"):
        self.source = os.path.join(root, folder)
        names = class_names(labels, root)
        if names is None and num_classes is None:
            raise ValueError(
                "UnlabelledPictures needs labels or num_classes: its pictures do not say how many there are"
            )
        self.labels = names if names is not None else [str(number) for number in range(num_classes)]
        images = [{"path": path, "file": path, "place": ""} for path in pictures_in(self.source)]
        self.settle(images, np.zeros(len(images), np.int64), IssueList(self.source), bad_samples)

    def counts(self):
        """Nothing is known of the classes: every one may have all."""
        return np.full(self.num_classes, max(2, len(self)))

    def __getitem__(self, index):
        """One picture without its pixels: `path`."""
        return {"path": self.images[index]["path"]}
