"""Images without labels, for distillation from the predictions of a teacher."""

import os

import numpy as np

from common.data.issues import IssueList

from .classification import ClassificationDataset, class_names
from .image_folder import images_in, warn_left_out


class UnlabeledImages(ClassificationDataset):
    """All images of a folder and its subfolders, without labels.

    Args:
        root (str): the folder of the dataset.
        folder (str): the folder of the images, in `root`; empty for `root` itself.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the class ids.
        num_classes (int): number of classes if there are no labels.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: neither labels nor num_classes are given.
    """

    def __init__(self, root="dataset/images", folder="", labels=None, num_classes=None, bad_samples="error"):
        self.source = os.path.join(root, folder)
        names = class_names(labels, root)
        if names is None and num_classes is None:
            raise ValueError(
                "UnlabeledImages needs labels or num_classes: its images do not tell the number of classes"
            )
        self.labels = names if names is not None else [str(number) for number in range(num_classes)]
        others, issues = [], IssueList(self.source)
        images = [{"path": path, "file": path, "place": ""} for path in images_in(self.source, others)]
        warn_left_out(others, "that are no images by their suffix", issues)
        self.store(images, np.zeros(len(images), np.int64), issues, bad_samples)

    def counts(self):
        """The classes are unknown: an upper bound for each, int64 [C]."""
        return np.full(self.num_classes, max(2, len(self)))

    def __getitem__(self, index):
        """One sample without its pixels: `path`."""
        return {"path": self.images[index]["path"]}
