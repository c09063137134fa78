"""Image classification datasets with one folder per class."""

import difflib
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.vision.files import IMAGE_SUFFIXES, describe_left_out, is_image_file

from .classification import ClassificationDataset, class_names, name_list
from .values import compare_names


class ImageFolder(ClassificationDataset):
    """Images in one folder per class, named for it; subfolders are included.

    Args:
        root (str): the folder of the dataset.
        folder (str): the folder of the class folders, in `root`.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the folders found, sorted.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(self, root="dataset/images", folder="train", labels=None, bad_samples="error"):
        self.source = os.path.join(root, folder)
        issues = IssueList(self.source)
        found = folders_of(self.source, issues)
        names = class_names(labels, root)
        self.labels = found if names is None else names
        check_classes(found, self.labels, issues)
        compare_names(self.labels, issues)
        images, classes = [], []
        beside = [entry.name for entry in os.scandir(self.source) if entry.is_file() and is_image_file(entry.name)]
        warn_left_out(beside, "beside the class folders", issues)
        others = []
        for number, name in enumerate(self.labels):
            for path in images_in(os.path.join(self.source, name), others):
                images.append({"path": path, "file": path, "place": ""})
                classes.append(number)
        warn_left_out(others, "that are no images by their suffix", issues)
        self.store(images, np.array(classes, np.int64), issues, bad_samples)


def folders_of(path, issues):
    """The subfolders of a folder, sorted (list of str).

    Raises:
        DataError: D104 if it cannot be listed, D117 if it has no subfolder.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(path) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        fix = "set `root` and `folder` to a folder with one subfolder per class"
        issues.error("D104", f"folder of the classes cannot be read: {error.strerror}", fix=fix)
        raise data_error(issues.errors) from None
    if not names:
        issues.error("D117", "has no subfolder", fix="put the images of each class into a folder named for it")
        raise data_error(issues.errors)
    return names


def check_classes(found, labels, issues):
    """Raises DataError for folders that are not in the labels (D109)."""
    for name in found:
        if name not in labels:
            near = difflib.get_close_matches(name, labels, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the labels are {name_list(labels)}"
            issues.error("D109", "folder is not in the labels", value=name, fix=fix)
    if issues.errors:
        raise data_error(issues.errors)


def warn_left_out(names, why, issues):
    """Warns of files that are left out, with their number by suffix (D151)."""
    if text := describe_left_out(names):
        fix = f"supported suffixes: {' '.join(IMAGE_SUFFIXES)}; move images into the folder of their class"
        issues.warn("D151", f"{text}: files {why}", fix=fix)


def images_in(folder, others=None):
    """The image files of a folder and its subfolders, sorted, without hidden files; `others` gets the other names."""
    found = []
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [os.path.join(place, name) for name in names if is_image_file(name)]
        if others is not None:
            others += [name for name in names if not is_image_file(name)]
    return sorted(found)
