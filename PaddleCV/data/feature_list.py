"""Datasets of files of features of videos, with classes."""

import numpy as np

from common.data.issues import IssueList
from common.errors import BadSample
from common.vision.feature_files import read_features

from .imagenet_list import ImageNetList


class FeatureList(ImageNetList):
    """The feature files of a list: a path, whitespace, the class ids separated by commas; `LoadFeatures` reads them.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the class ids.
        num_classes (int): number of classes if there are no labels; default those that occur in the list.
        form (str): `classes`, the ids of all classes of a video; `class`, one class id.
        bad_samples (str): `error`, or `skip` to leave out a few files with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "video"
    padding = {"rgb": 0.0, "audio": 0.0}

    def __init__(
        self,
        root,
        list_file="train_list.txt",
        labels=None,
        num_classes=None,
        form="classes",
        bad_samples="error",
    ):
        super().__init__(root, list_file, labels, num_classes, form, bad_samples)

    def __getitem__(self, index):
        """One sample without its features: `path`, `place` in the list, and `label`."""
        image = self.images[index]
        return {"path": image["path"], "place": f"{self.source}: {image['place']}", "label": self.target(index)}

    def check_files(self, deep):
        """The issues of the files: whether each can be read, and with `deep` whether its values are finite."""
        issues = IssueList(self.source)
        for image in self.images:
            try:
                arrays = read_features(image["path"], image["path"])
                bad = [key for key, array in arrays.items() if deep and not np.isfinite(array).all()]
                if bad:
                    issues.error("D119", f"'{bad[0]}' has values that are not finite", image["place"], image["path"])
            except BadSample as error:
                issues.error(error.issue.code, error.issue.message, image["place"], image["path"], error.issue.fix)
        return issues.all()
