"""Reads pictures that lie in one folder a class."""

import difflib
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.vision.files import is_image_file

from .classification import ClassificationDataset, class_names, few


class ImageFolder(ClassificationDataset):
    """Pictures in one folder a class, named for it; what lies in folders within it belongs to it too.

    Args:
        root (str): the folder of the data set.
        folder (str): the folder of the classes' folders, in `root`.
        labels (list[str] | str): class names in order, or a file with one a line; default `labels.txt` in `root` when
            there is one, else the folders found, sorted.
        bad_samples (str): `error`, or `skip` a few images with errors.

    Raises:
        DataError: with every error found, each with a code of `common.data.issues`.
    """

    def __init__(self, root="dataset/pictures", folder="train", labels=None, bad_samples="error"):
        self.source = os.path.join(root, folder)
        issues = IssueList(self.source)
        found = folders_of(self.source, issues)
        names = class_names(labels, root)
        self.labels = found if names is None else names
        known_classes(found, self.labels, issues)
        images, classes = [], []
        for number, name in enumerate(self.labels):
            for path in pictures_in(os.path.join(self.source, name)):
                images.append({"path": path, "file": path, "place": ""})
                classes.append(number)
        self.settle(images, np.array(classes, np.int64), issues, bad_samples)


def folders_of(path, issues):
    """The names of the folders in a folder, sorted.

    Raises:
        DataError: D104 when it cannot be listed, D117 when it holds no folder.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        fix = "set `root` and `folder` to the folder that holds a folder a class"
        issues.error("D104", f"folder of the classes cannot be read: {error.strerror}", fix=fix)
        raise data_error(issues.errors) from None
    if not names:
        issues.error("D117", "holds no folder", fix="put the pictures of each class into a folder named for it")
        raise data_error(issues.errors)
    return names


def known_classes(found, labels, issues):
    """Refuses folders that are no class of the labels (D109)."""
    for name in found:
        if name not in labels:
            near = difflib.get_close_matches(name, labels, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the labels are {few(labels)}"
            issues.error("D109", "folder is no class of the labels", value=name, fix=fix)
    if issues.errors:
        raise data_error(issues.errors)


def pictures_in(folder):
    """The picture files of a folder and of all within it, sorted; hidden ones are left out."""
    found = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(place, name) for name in names if is_image_file(name)]
    return sorted(found)
