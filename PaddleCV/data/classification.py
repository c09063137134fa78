"""What the classification data sets have in common: pictures and their classes, checks, samples.

Shapes in this file:
    I images, C classes.  A target is a class number, int64 [I], or for pictures of several classes float32 [I, C].
"""

import hashlib
import os

import numpy as np

from common.data.issues import IssueList, cache_issues, data_error, issue_line, raise_on_errors
from common.data.samplers import balanced_weights
from common.errors import BadSample, ConfigError
from common.log import logger
from common.vision.decode import read_image_file

from .coco import read_labels
from .detection import skipped_issue
from .detection_check import check_images

FEW = 12


class ClassificationDataset:
    """Pictures with classes; the child class reads them, and calls :meth:`settle` once.

    Attributes:
        labels (list[str]): class names in the order of their numbers.
        targets (ndarray): see the head of the file.
        issues (list[DataIssue]): what reading the lists found.
    """

    def settle(self, images, targets, issues, bad_samples="error"):
        """Checks what was read, leaves out what may be left out, and keeps the rest.

        Args:
            images (list[dict]): `path`, and `file` and `place`, where it is listed.
            targets (ndarray): of each image.
            issues (IssueList): gets what is found; its errors so far are refused.
            bad_samples (str): `error`, or `skip` images with an error, a few.

        Raises:
            DataError: with every error found.
        """
        if bad_samples not in ("error", "skip"):
            raise ValueError(f"bad_samples is 'error' or 'skip', not {bad_samples!r}")
        if not images and not issues.errors:
            issues.error("D117", "lists no image", fix="check that this is the right file")
        self.issues = issues.all()
        if None in issues.of_images:  # errors of the whole file cannot be skipped
            raise data_error(issues.errors)
        raise_on_errors(self.issues, bad_samples, len(images))
        self.issues = [skipped_issue(issue) for issue in self.issues]
        stay = np.setdiff1d(np.arange(len(images)), issues.of_images).astype(np.int64)
        self.images, self.targets = [images[i] for i in stay], targets[stay]
        counts = self.counts()
        empty = [self.labels[i] for i in np.flatnonzero(counts == 0)]
        if empty:
            self.issues.append(
                single("D117", self.source, f"{len(empty)} of {self.num_classes} classes have no image", few(empty))
            )
        if np.count_nonzero(counts) == 1:
            name = self.labels[int(counts.argmax())]
            self.issues.append(single("D117", self.source, "every image is of one class", name))
            logger.warning(issue_line(self.issues[-1]))
        logger.info("%s: %d images, %d classes", self.source, len(self.images), self.num_classes)

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    def counts(self):
        """How many images each class has, int64 [C]."""
        if self.targets.ndim == 2:
            return (self.targets > 0).sum(0)
        return np.bincount(self.targets, minlength=self.num_classes)

    def weights(self):
        """What WeightedSampler draws by: float64 [I], under which every class comes equally often."""
        if self.targets.ndim == 2:
            raise ConfigError("pictures of several classes cannot be drawn so that each class comes equally often")
        return balanced_weights(self.targets)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        """One picture without its pixels: `path`, and `label`, an int or float32 [C]."""
        return {"path": self.images[index]["path"], "label": self.target(index)}

    def target(self, index):
        """The `label` of a sample."""
        target = self.targets[index]
        return target.copy() if target.ndim else int(target)

    def paths(self):
        """The image files, in the order of the data set."""
        return [image["path"] for image in self.images]

    def digests(self):
        """A digest of the content of each picture: equal pictures have equal ones."""
        return [hashlib.blake2b(read_image_file(path), digest_size=16).digest() for path in self.paths()]

    def check(self, deep=False, cache=None):
        """Everything that is wrong with the lists and the image files.

        Args:
            deep (bool): decode every image and compare their contents; else only the headers are read.
            cache (str | None): a folder that remembers the answer until a file changes.

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
            found += repeated_pictures(self)
        return found


def class_names(labels, root):
    """The class names asked for, see :func:`read_labels`; else the lines of `labels.txt` in a folder, or None."""
    if labels is None and os.path.exists(os.path.join(root, "labels.txt")):
        labels = "labels.txt"
    return read_labels(labels, root)


def repeated_pictures(dataset):
    """Warnings of pictures that are in the set more than once: with one label (D115), with several (D121)."""
    first, issues = {}, IssueList(dataset.source)
    try:
        digests = dataset.digests()
    except BadSample:
        return []  # named by the check of the files
    paths = dataset.paths()
    for i, digest in enumerate(digests):
        k = first.setdefault(digest, i)
        if k == i:
            continue
        pair = f"{paths[k]} and {paths[i]}"
        if np.array_equal(dataset.targets[k], dataset.targets[i]):
            issues.warn("D115", "the same picture is there twice", "", pair)
        else:
            issues.warn("D121", "the same picture has two labels", "", pair, "keep the one that is right")
    return issues.all()


def single(code, file, message, value):
    """One warning about a whole set."""
    issues = IssueList(file)
    issues.warn(code, message, value=value)
    return issues.all()[0]


def few(names):
    """Some names in one line."""
    return ", ".join(map(str, names[:FEW])) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
