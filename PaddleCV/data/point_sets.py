"""Datasets of point clouds: shapes with a class each (ModelNet40), and blocks of rooms with a class for each point.

Shapes in this file:
    I clouds of P points of D values.
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.files import read_lines
from common.log import counted, logger

from .labels import read_labels
from .point_arrays import read_point_lists

ROOM_CLASSES = [
    *("ceiling", "floor", "wall", "beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board"),
    "clutter",
]


class PointArrays:
    """Clouds that are in memory; a child class reads them and calls :meth:`store` once."""

    what = "cloud"
    padding = {"cloud": None}  # all points, before some were chosen

    def store(self, data, label, places, source, labels):
        """Checks the arrays and keeps them.

        Args:
            data (ndarray): float32 [I, P, D].
            label (ndarray): int64 [I] or [I, P].
            places (list[tuple[str, int]]): of each cloud its file and its place there.
            source (str): the list, for messages.
            labels (list[str]): class names.

        Raises:
            DataError: D109 or D119 for clouds with an unknown class or a value that is not finite, D117 without one.
        """
        self.source, self.labels, self.places, self.data, self.label = source, list(labels), places, data, label
        issues = IssueList(source)
        for row, (path, place) in enumerate(places):
            values = np.atleast_1d(label[row])
            bad = values[(values < 0) | (values >= len(labels))]
            if len(bad):
                has = f"there are {len(labels)} classes, 0 to {len(labels) - 1}"
                issues.error("D109", f"class {bad[0]} is unknown: {has}", f"cloud {place}", file=path)
            elif not np.isfinite(data[row]).all():
                point = int(np.flatnonzero(~np.isfinite(data[row]).all(1))[0])
                issues.error("D119", f"point {point} is not finite", f"cloud {place}", file=path)
        if not len(places):
            issues.error("D117", "no cloud is left")
        if issues.errors:
            raise data_error(issues.errors)
        self.issues = issues.all()
        logger.info("%s: %s of %d points", source, counted(len(data), "cloud"), data.shape[1])

    @property
    def num_classes(self):
        """The number of labels."""
        return len(self.labels)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        """One sample: `path`, `place`, `points` float32 [P, D], and `label` (int64) or `mask` uint8 [P]."""
        path, place = self.places[index]
        sample = {"path": f"{path}#{place}", "place": f"cloud {place}", "points": self.data[index].copy()}
        if self.label.ndim == 1:
            return sample | {"label": self.label[index]}
        return sample | {"mask": self.label[index].astype(np.uint8)}

    def paths(self):
        """The file and the place of each cloud."""
        return [f"{path}#{place}" for path, place in self.places]

    def image_of(self, path):
        """The points of the cloud of a sample's `path`, [P, D], which its task draws."""
        return self.data[self.paths().index(path)]

    def check(self, deep=False, cache=None):
        """The issues of the files, all found when they were read (list[DataIssue])."""
        return self.issues


class ModelNet(PointArrays):
    """Shapes with a class each, in the files of ModelNet40 (`ply_data_train0.h5`), or .npz with the same arrays.

    Args:
        root (str): the folder.
        list_file (str): names the files, `train_files.txt` or `test_files.txt`.
        labels (list[str] | str): class names in order, or a file in `root` with one per line.

    Raises:
        DataError: lists every error found.
    """

    def __init__(self, root, list_file="train_files.txt", labels="shape_names.txt"):
        data, label, places = read_point_lists(root, list_file)
        source = os.path.normpath(os.path.join(root, list_file))
        if label.ndim != 1:
            issues = IssueList(source)
            issues.error("D113", "the files have a class for each point, not for each cloud", fix="type: RoomBlocks")
            raise data_error(issues.errors)
        self.targets = label
        self.store(data, label, places, source, read_labels(labels, root))


class RoomBlocks(PointArrays):
    """Blocks of rooms with a class for each point, in the files of Indoor3D (S3DIS), or .npz with the same arrays.

    A block has 9 values at each point: x, y, z from the middle of the block, red, green, blue, and the place in the
    room, each from 0 to 1.

    Args:
        root (str): the folder.
        list_file (str): names the files.
        rooms (str): a file with the room of each block, a line each in the order of the files.
        area (str | list[str]): rooms whose names hold one of these, such as Area_5, are held out.
        held_out (bool): the held-out blocks, for the test; False for all others.
        labels (list[str]): class names in order.

    Raises:
        DataError: lists every error found.
    """

    def __init__(
        self,
        root,
        list_file="all_files.txt",
        rooms="room_filelist.txt",
        area="Area_5",
        held_out=False,
        labels=tuple(ROOM_CLASSES),
    ):
        data, label, places = read_point_lists(root, list_file)
        source, names = os.path.normpath(os.path.join(root, list_file)), read_lines(os.path.join(root, rooms))
        issues = IssueList(os.path.join(root, rooms))
        if label.ndim != 2:
            issues.error("D113", "the files have no class for each point", file=source)
        elif len(names) != len(data):
            issues.error("D113", f"has {len(names)} lines for {len(data)} blocks", fix="one line for each block")
        if issues.errors:
            raise data_error(issues.errors)
        areas = [area] if isinstance(area, str) else list(area)
        chosen = np.array([any(part in name for part in areas) for name in names]) == held_out
        places = [place for place, keep in zip(places, chosen) if keep]
        self.rooms = [name for name, keep in zip(names, chosen) if keep]
        self.store(data[chosen], label[chosen], places, source, labels)
