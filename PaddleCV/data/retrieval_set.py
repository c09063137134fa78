"""Images to search among and images to search for, of classes that the model was not trained on."""

import os

import numpy as np

from common.contract import get_optional
from common.data.issues import IssueList, data_error
from common.errors import ConfigError
from common.log import logger

GALLERY, QUERY, BOTH = 0, 1, 2  # the role of an image; one of BOTH searches for itself among all the others


class RetrievalSet:
    """The images of a gallery, and of queries; without queries each image of the gallery searches among the others.

    Classes go by their names; the model does not know them, so that the set has no `labels`.  Samples are those of the
    readers, with `label` int, the number of the class over both, and `role` int, see the constants of this file.

    Args:
        gallery (Dataset): a reader of images with one class each.
        queries (Dataset | None): another one; the images to search for.
        seen (Dataset | None): images whose classes are left out, such as the training data.

    Raises:
        DataError: no image is left.
        ConfigError: a reader gives no classes, or several for an image.
    """

    def __init__(self, gallery, queries=None, seen=None):
        self.parts = [part for part in (gallery, queries) if part is not None]
        self.source = " and ".join(part.source for part in self.parts)
        seen_names = set(names_of(seen)) if seen is not None else set()
        names = sorted({name for part in self.parts for name in names_of(part)} - seen_names)
        numbers = {name: number for number, name in enumerate(names)}
        self.names, rows = names, []
        for number, part in enumerate(self.parts):
            role = BOTH if queries is None else (GALLERY, QUERY)[number]
            labels = [numbers.get(name, -1) for name in names_of(part)]
            rows += [(number, i, labels[target], role) for i, target in enumerate(part.targets) if labels[target] >= 0]
        if not rows or (queries is not None and len({row[0] for row in rows}) < 2):
            issues = IssueList(self.source)
            issues.error("D117", "has no image left", value=f"{len(seen_names)} classes are left out (seen)")
            raise data_error(issues.errors)
        self.part, self.row, self.targets, self.roles = np.array(rows, np.int64).T
        if left := sum(map(len, self.parts)) - len(rows):
            logger.info("%s: %d images of classes that training has seen are left out", self.source, left)

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        """One sample of a reader, its `label` int by all classes of the set, and `role` int."""
        sample = self.parts[self.part[index]][int(self.row[index])]
        return {**sample, "label": int(self.targets[index]), "role": int(self.roles[index])}

    def paths(self):
        """The image files, in the order of the set."""
        paths = [part.paths() for part in self.parts]
        return [paths[part][row] for part, row in zip(self.part.tolist(), self.row.tolist())]

    def digests(self):
        """A hash of the content of each image."""
        digests = [part.digests() for part in self.parts]
        return [digests[part][row] for part, row in zip(self.part.tolist(), self.row.tolist())]

    def check(self, deep=False, cache=None):
        """Validates the readers, and that each query has an image of its class to find.

        Args:
            deep (bool): decodes every image.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        found = []
        for number, part in enumerate(self.parts):
            folder = os.path.join(cache, f"part_{number}") if cache else None
            found += part.check(deep, folder) if hasattr(part, "check") else []
        issues = IssueList(self.source)
        alone = np.flatnonzero(~self.findable() & (self.roles != GALLERY))
        if len(alone):
            total = np.count_nonzero(self.roles != GALLERY)
            text = f"{len(alone)} of {total} queries have no image of their class to find"
            issues.warn("D157", text, value=self.names[self.targets[alone[0]]], fix="they are left out of the scores")
        if len(self.parts) == 2 and (both := sorted(set(self.parts[0].paths()) & set(self.parts[1].paths()))):
            issues.warn("D150", f"{len(both)} images are among the queries and in the gallery", value=both[0])
        return sorted(found + issues.all(), key=lambda issue: issue.severity != "error")

    def findable(self):
        """True for each image whose class another image of the gallery has, bool [I]."""
        gallery = self.roles != QUERY
        counts = np.bincount(self.targets[gallery], minlength=len(self.names))
        return counts[self.targets] > (self.roles == BOTH)


def names_of(part):
    """The class names of a reader of images with one class each; raises ConfigError for another one."""
    labels, targets = get_optional(part, "dataset", "labels"), getattr(part, "targets", None)
    if labels is None or targets is None or np.ndim(targets) != 1:
        raise ConfigError(f"RetrievalSet: {type(part).__name__} does not have one class per image")
    return list(labels)
