"""Images with attributes in the format of CelebA's list_attr_celeba.txt.

The first line is the number of images, the second one the names of the attributes; then a line per image: its name, and
1 or -1 for each attribute.

Shapes in this file:
    I images, A attributes in the file, C attributes chosen.
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.suggest import did_you_mean

from .classification import ClassificationDataset
from .detection_check import check_files
from .imagenet_list import read_lines

KEEP = -1.0  # in `target`: the attribute stays as it is


class AttributeImages(ClassificationDataset):
    """Images with C attributes, as multi-label targets; each sample also asks for a change of one of them.

    Args:
        root (str): the folder of the dataset.
        list_file (str): the list.
        images (str): the folder of the images, in `root`.
        attributes (list[str] | None): names of those to read; all of the file when None.
        exclusive (list[list[str]]): groups of attributes of which an image has one, such as ages; `target` then asks
            for another one of the group.
        first (int): images to leave out from the beginning of the list.
        count (int | None): images to read; all that follow when None.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/celeba",
        list_file="list_attr_celeba.txt",
        images="img_align_celeba",
        attributes=None,
        exclusive=(),
        first=0,
        count=None,
        bad_samples="error",
    ):
        self.source = os.path.normpath(os.path.join(root, list_file))
        issues = IssueList(self.source)
        lines = read_lines(self.source, issues)
        names = lines[1].split() if len(lines) > 1 else []
        if not names or not lines[0].strip().isdigit():
            fix = "the first line is the number of images, the second one the names of the attributes"
            issues.error("D118", "does not begin as list_attr_celeba.txt does", "line 1", lines[0][:80], fix)
            raise data_error(issues.errors)
        self.labels = list(names if attributes is None else attributes)
        groups = [name for group in exclusive for name in group]
        for name in [*self.labels, *groups]:
            known = names if name in self.labels else self.labels
            if name not in known:
                has = f"the file has {', '.join(names)}" if known is names else "it is not among `attributes`"
                raise ValueError(f"there is no attribute {name!r}{did_you_mean(name, known)}; {has}")
        last = None if count is None else 2 + first + count
        found, rows = [], []
        for number, line in enumerate(lines[2 + first : last], 3 + first):
            place, fields = f"line {number}", line.split()
            if not fields:
                continue
            if len(fields) != len(names) + 1 or not set(fields[1:]) <= {"1", "-1"}:
                fix = f"a line is a file name and {len(names)} times 1 or -1"
                issues.error("D118", "is no image with its attributes", place, line[:80], fix, image=len(found))
                fields = [fields[0], *["-1"] * len(names)]
            found.append({"path": os.path.join(root, images, fields[0]), "file": self.source, "place": place})
            rows.append([float(fields[1 + names.index(name)] == "1") for name in self.labels])
        if not found:
            issues.error("D117", "lists no image", fix=f"it has {lines[0].strip()} according to its first line")
            raise data_error(issues.errors)
        self.groups_of = {name: list(group) for group in exclusive for name in group}
        check_files(found, issues)
        self.store(found, np.array(rows, np.float32), issues, bad_samples)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, `label` float32 [C], and `target` float32 [C], see :meth:`change`."""
        return super().__getitem__(index) | {"target": self.change(index)}

    def change(self, index):
        """The change that a sample asks for, float32 [C]: 1 or 0 for what the result has or lacks, -1 for what stays.

        Sample i changes attribute i modulo C; of an exclusive group it asks for the next one that the image lacks.
        """
        wanted = np.full(self.num_classes, KEEP, np.float32)
        number = index % self.num_classes
        group = [self.labels.index(name) for name in self.groups_of.get(self.labels[number], [])]
        if not group:
            wanted[number] = 1 - self.targets[index][number]
            return wanted
        start = group.index(number)
        chosen = next((k for k in group[start:] + group[:start] if not self.targets[index][k]), number)
        wanted[group], wanted[chosen] = 0, 1
        return wanted
