"""The lists of Stanford Online Products (https://arxiv.org/abs/1511.06452): a header, then an image a line.

    image_id class_id super_class_id path
    1 1 1 bicycle_final/111085122871_0.JPG

Ids are positive; the classes of the test list are numbered after those of training, so that no class is in both.
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error

from .classification import ClassificationDataset
from .detection_check import check_files
from .imagenet_list import parse_int, read_lines, warn_of_duplicates

COLUMNS = ("image_id", "class_id", "super_class_id", "path")
FIX = f"a line is {' '.join(COLUMNS)}, separated by spaces"


class OnlineProducts(ClassificationDataset):
    """The images of such a list; classes are numbered in the order of their ids and named for these.

    Args:
        root (str): the folder that the paths are relative to.
        list_file (str): the list, such as Ebay_train.txt.
        labels (list[str]): class ids in order; default those that occur, sorted.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/Stanford_Online_Products",
        list_file="Ebay_train.txt",
        labels=None,
        bad_samples="error",
    ):
        self.source = os.path.join(root, list_file)
        issues = IssueList(self.source)
        images, classes = [], []
        for number, line in enumerate(read_lines(self.source, issues), 1):
            fields = line.split(None, len(COLUMNS) - 1)
            if not fields or (number == 1 and tuple(fields) == COLUMNS):
                continue
            place = f"line {number}"
            ids, path = read_fields(fields, place, line, issues)
            if path:
                images.append({"path": os.path.join(root, path), "file": self.source, "place": place})
                classes.append(ids[1])
        if issues.errors:
            raise data_error(issues.errors)
        found = [str(number) for number in sorted(set(classes))]
        self.labels = found if labels is None else [str(name) for name in labels]
        numbers = {name: number for number, name in enumerate(self.labels)}
        for image, number in zip(images, classes):
            if str(number) not in numbers:
                issues.error("D109", f"class {number} is not in the labels", image["place"], image["path"])
        if issues.errors:
            raise data_error(issues.errors)
        warn_of_duplicates(images, issues)
        check_files(images, issues)
        self.store(images, np.array([numbers[str(number)] for number in classes], np.int64), issues, bad_samples)


def read_fields(fields, place, line, issues):
    """The three ids and the path of a line; (None, None) after an error (D118)."""
    text = line.strip()[:80]
    if len(fields) < len(COLUMNS):
        issues.error("D118", f"has {len(fields)} of {len(COLUMNS)} columns", place, text, FIX)
        return None, None
    try:
        ids = [parse_int(field) for field in fields[:3]]
    except ValueError:
        issues.error("D118", "begins with ids that are not integers", place, text, FIX)
        return None, None
    if min(ids) < 1:
        issues.error("D118", "has an id below 1", place, text, FIX)
        return None, None
    return ids, fields[3].strip().replace("\\", "/")
