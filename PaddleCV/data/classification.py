"""The base class of the image classification datasets: validation, targets and samples.

Shapes in this file:
    I images, C classes.  Targets are class ids, int64 [I], or multi-label, float32 [I, C].
"""

import hashlib
import os

import numpy as np

from common.data.issues import IssueList, cache_issues, issue_line, settle
from common.data.samplers import balanced_weights
from common.errors import BadSample, ConfigError
from common.log import counted, logger
from common.vision.decode import read_image_file

from .detection_check import check_images
from .labels import read_labels

MAX_NAMES = 12


class ClassificationDataset:
    """Images with classes; a child class reads them and calls :meth:`store` once.

    Attributes:
        labels (list[str]): class names in the order of their ids.
        targets (ndarray): see the head of the file.
        issues (list[DataIssue]): the problems found while reading the lists.
        what (str): a sample, for messages.
    """

    what = "image"

    def store(self, images, targets, issues, bad_samples="error"):
        """Validates the images and stores them without those that may be skipped.

        Args:
            images (list[dict]): `path`, and `file` and `place` where it is listed.
            targets (ndarray): of all images.
            issues (IssueList): collects the problems.
            bad_samples (str): `error`, or `skip` to leave out a few images with errors.

        Raises:
            DataError: lists every error found.
        """
        self.issues = settle(issues, bad_samples, len(images))
        stay = np.setdiff1d(np.arange(len(images)), issues.of_images).astype(np.int64)
        self.images, self.targets = [images[i] for i in stay], targets[stay]
        counts = self.counts()
        empty = [self.labels[i] for i in np.flatnonzero(counts == 0)]
        if empty:
            self.issues.append(
                make_warning(
                    "D117",
                    self.source,
                    f"{len(empty)} of {self.num_classes} classes have no {self.what}",
                    name_list(empty),
                )
            )
        if np.count_nonzero(counts) == 1:
            name = self.labels[int(counts.argmax())]
            self.issues.append(make_warning("D117", self.source, f"every {self.what} has the same class", name))
            logger.warning(issue_line(self.issues[-1]))
        logger.info(
            "%s: %s, %s",
            self.source,
            counted(len(self.images), self.what),
            counted(self.num_classes, "class"),
        )

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    def counts(self):
        """The number of images of each class, int64 [C]."""
        if self.targets.ndim == 2:
            return (self.targets > 0).sum(0)
        return np.bincount(self.targets, minlength=self.num_classes)

    def weights(self):
        """The sampling weights for WeightedSampler, float64 [I], that balance the classes."""
        if self.targets.ndim == 2:
            raise ConfigError("the classes of a multi-label dataset cannot be balanced by sampling")
        return balanced_weights(self.targets)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, and `label`, an int or float32 [C]."""
        return {"path": self.images[index]["path"], "label": self.target(index)}

    def target(self, index):
        """The `label` of a sample."""
        target = self.targets[index]
        return target.copy() if target.ndim else int(target)

    def paths(self):
        """The image files, in the order of the dataset."""
        return [image["path"] for image in self.images]

    def digests(self):
        """A hash of the content of each image file (list of bytes)."""
        return [hashlib.blake2b(read_image_file(path), digest_size=16).digest() for path in self.paths()]

    def check(self, deep=False, cache=None):
        """Validates the lists and the image files.

        Args:
            deep (bool): whether to decode every image and compare contents; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        found = cache_issues(cache, name, [self.source, *self.paths()], lambda: self.check_files(deep))
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")

    def check_files(self, deep):
        """The issues of the image files."""
        images = [{**image, "width": None, "height": None} for image in self.images]
        found = check_images(images, deep, self.source)
        if deep and not any(issue.severity == "error" for issue in found):
            found += find_duplicates(self)
        return found


def class_names(labels, root):
    """The given class names, see :func:`read_labels`; by default the lines of `labels.txt` in a folder, or None."""
    if labels is None and os.path.exists(os.path.join(root, "labels.txt")):
        labels = "labels.txt"
    return read_labels(labels, root)


def find_duplicates(dataset):
    """Warnings of duplicate images: with the same label (D115), with different ones (D121)."""
    first, issues = {}, IssueList(dataset.source)
    try:
        digests = dataset.digests()
    except BadSample:
        return []  # reported by the check of the files
    paths = dataset.paths()
    for i, digest in enumerate(digests):
        k = first.setdefault(digest, i)
        if k == i:
            continue
        pair = f"{paths[k]} and {paths[i]}"
        if np.array_equal(dataset.targets[k], dataset.targets[i]):
            issues.warn("D115", "the same image occurs twice", "", pair)
        else:
            issues.warn("D121", "the same image has two labels", "", pair, "keep the correct one")
    return issues.all()


def make_warning(code, file, message, value):
    """A warning about a whole dataset (DataIssue)."""
    issues = IssueList(file)
    issues.warn(code, message, value=value)
    return issues.all()[0]


def name_list(names):
    """The first names in one line, for a message."""
    return ", ".join(map(str, names[:MAX_NAMES])) + (
        f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    )
