"""The dataset of shapes with a part for each point (ShapeNet part, as PointNet++ was trained on it)."""

import os

import numpy as np

from common.data.issues import IssueList, data_error, settle
from common.data.refusals import bad_file
from common.errors import BadSample
from common.files import parse_json, read_lines
from common.log import counted, logger
from common.vision.point_files import read_points

PARTS = {  # category -> number of its parts, which are numbered through
    "Airplane": 4,
    "Bag": 2,
    "Cap": 2,
    "Car": 4,
    "Chair": 4,
    "Earphone": 3,
    "Guitar": 3,
    "Knife": 2,
    "Lamp": 4,
    "Laptop": 2,
    "Motorbike": 6,
    "Mug": 2,
    "Pistol": 3,
    "Rocket": 3,
    "Skateboard": 3,
    "Table": 3,
}
SPLITS = "train_test_split/shuffled_{}_file_list.json"


class ShapeNetParts:
    """Shapes `<folder>/<name>.txt`, on each line x, y, z, the normal, and the number of the part.

    Args:
        root (str): the folder, with `train_test_split/shuffled_train_file_list.json` and the like.
        subset (str): train, val or test; several are joined by +, as in train+val.
        bad_samples (str): `error`, or `skip` to leave out a few shapes with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "cloud"
    padding = {"cloud": None}

    def __init__(self, root, subset="train", bad_samples="error"):
        self.root, self.labels = root, part_names()
        self.source = os.path.normpath(os.path.join(root, SPLITS.format(subset.split("+")[0])))
        issues, files = IssueList(self.source), []
        for name in subset.split("+"):
            for entry in read_split(os.path.join(root, SPLITS.format(name))):
                path = os.path.join(root, *entry.split("/")[-2:]) + ".txt"
                if not os.path.isfile(path):
                    issues.error("D104", "lists a shape that is not there", entry, path, image=len(files))
                files.append(path)
        self.issues = settle(issues, bad_samples, len(files))
        stay = np.setdiff1d(np.arange(len(files)), issues.of_images).astype(np.int64)
        self.files = [files[k] for k in stay]
        logger.info("%s: %s", self.source, counted(len(self.files), "shape"))

    @property
    def num_classes(self):
        """The number of parts of all categories."""
        return len(self.labels)

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        """One sample: `path`, `points` float32 [P, 6] (x, y, z, normal), `mask` uint8 [P]; raises BadSample."""
        path = self.files[index]
        points, mask = split_parts(read_points(path, path), path, len(self.labels))
        return {"path": path, "points": points, "mask": mask}

    def paths(self):
        """The file of each shape."""
        return self.files

    def image_of(self, path):
        """The points of the shape of a sample's `path`, [P, 7], which its task draws."""
        return read_points(path, path)

    def check(self, deep=False, cache=None):
        """The issues of the list, and with `deep` of the files (list[DataIssue])."""
        issues = IssueList(self.source)
        for path in self.files if deep else ():
            try:
                split_parts(read_points(path, path), path, len(self.labels))
            except BadSample as error:
                issues.error(error.issue.code, error.issue.message, error.issue.place, path, error.issue.fix)
        return sorted(self.issues + issues.all(), key=lambda issue: issue.severity != "error")


def part_names():
    """The names of all parts in the order of their numbers, such as `Airplane 1`."""
    return [f"{name} {number}" for name, count in PARTS.items() for number in range(1, count + 1)]


def categories_of_parts():
    """The number of the category of each part, int64 [50]."""
    return np.repeat(np.arange(len(PARTS)), list(PARTS.values()))


def read_split(path):
    """The entries of a list of shapes (list[str]); raises DataError D104, D112 or D113."""
    issues = IssueList(path)
    try:
        found = parse_json("\n".join(read_lines(path)))
    except ValueError as error:
        issues.error("D112", f"is not JSON: {error}")
        raise data_error(issues.errors) from None
    if not isinstance(found, list) or not all(isinstance(one, str) and "/" in one for one in found):
        issues.error("D113", "is no list of shapes", fix='["shape_data/04379243/NAME", ...]')
        raise data_error(issues.errors)
    return found


def split_parts(array, path, count):
    """The points float32 [P, 6] and the parts uint8 [P] of an array [P, 7]; raises BadSample D109 or D113."""
    if array.ndim != 2 or array.shape[1] != 7:
        raise bad_file(
            "D113", path, f"has {array.shape[-1]} numbers per line; expected x y z, the normal, and the part"
        )
    parts = array[:, 6]
    bad = np.flatnonzero((parts != np.round(parts)) | (parts < 0) | (parts >= count))
    if len(bad):
        raise bad_file("D109", path, f"line {bad[0] + 1}: part {parts[bad[0]]:g} is unknown; there are {count}, from 0")
    return array[:, :6].astype(np.float32), parts.astype(np.uint8)
