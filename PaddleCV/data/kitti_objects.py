"""The dataset of KITTI's 3D object detection: laser scans, calibration, boxes in space.

Shapes in this file:
    P points, G objects to find, T objects and regions of the labels.
    Boxes are (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.
"""

import os

import numpy as np

from common.data.issues import IssueList, settle
from common.data.refusals import bad_file
from common.errors import BadSample, DataError
from common.files import read_lines
from common.log import counted, logger
from common.suggest import did_you_mean
from common.vision.image_frame import camera_points, read_calibration, visible
from common.vision.point_files import as_points, read_points

IMAGE = (1242, 375)  # width and height in pixels of most images
LABEL = 15  # fields of a line of labels
KINDS = ("Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "DontCare")  # of KITTI
TRUTH = 15  # values of a row of truth
NEIGHBORS = {"Car": "Van", "Pedestrian": "Person_sitting"}  # objects that may be taken for those of the class
NEIGHBOR, DONT_CARE = -1, -2  # classes of such objects, and of regions without labels
DIFFICULTIES = {  # name -> height in pixels that is exceeded, most occlusion, most truncation
    "easy": (40, 0, 0.15),
    "moderate": (25, 1, 0.3),
    "hard": (25, 2, 0.5),
}


class KittiObjects:
    """Frames of `training/` with `velodyne/ID.bin`, `calib/ID.txt`, `label_2/ID.txt`, listed in `ImageSets/train.txt`.

    Args:
        root (str): the folder.
        subset (str): name of the list, such as train or val.
        labels (list[str]): classes to find; objects of others are background.
        image_size (list[int]): width and height in pixels; points outside of the image are left out.
        bad_samples (str): `error`, or `skip` to leave out a few frames with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    what = "frame"
    padding = {"cloud": None, "truth": None, "boxes": None}  # lists, of each frame

    def __init__(self, root, subset="train", labels=("Car",), image_size=IMAGE, bad_samples="error"):
        self.labels, self.image_size = list(labels), list(image_size)
        self.source = os.path.normpath(os.path.join(root, "ImageSets", f"{subset}.txt"))
        issues, frames = IssueList(self.source), []
        for number, line in enumerate(read_lines(self.source), 1):
            if line.strip():
                frames.append(read_frame(root, line.strip(), f"line {number}", self.labels, issues, len(frames)))
        self.issues = settle(issues, bad_samples, len(frames))
        stay = np.setdiff1d(np.arange(len(frames)), issues.of_images).astype(np.int64)
        self.frames = [frames[k] for k in stay]
        total = sum(len(frame["boxes"]) for frame in self.frames)
        logger.info("%s: %s, %s", self.source, counted(len(self.frames), "frame"), counted(total, "object"))

    @property
    def num_classes(self):
        """The number of classes to find."""
        return len(self.labels)

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, index):
        """One sample: `path`, `points` float32 [P, 4] (x, y, z of the camera, intensity) in the image, `boxes` [G, 7].

        `truth` float32 [T, 15] adds to each box its class, whether it is easy, moderate and hard (2, 1, 0; -1 for none
        of them), its height in pixels, its box in the image and its rotation against the ray to it; it also has the
        objects that may be taken for those of the first class (NEIGHBOR) and the regions without labels (DONT_CARE).
        `projection` float32 [3, 4] leads from the frame of the camera into the image.

        Raises:
            BadSample: the scan cannot be read, or has no point in the image.
        """
        frame = self.frames[index]
        path = frame["path"]
        points = camera_points(as_points(read_points(path, path), 4, path), frame["calibration"])
        points = points[visible(points, frame["calibration"], self.image_size)]
        if not len(points):
            raise bad_file("D117", path, "no point of the scan lies in the image")
        sample = {"path": path, "place": frame["place"], "points": points, "camera": True}
        sample["projection"] = frame["calibration"]["P2"].astype(np.float32)
        return sample | {"boxes": frame["boxes"].copy(), "truth": frame["truth"].copy()}

    def paths(self):
        """The scan of each frame."""
        return [frame["path"] for frame in self.frames]

    def image_of(self, path):
        """The points of the frame of a sample's `path`, [P, 4], which its task draws."""
        return self[self.paths().index(path)]["points"]

    def check(self, deep=False, cache=None):
        """The issues of labels and calibrations, and with `deep` of the scans (list[DataIssue])."""
        issues = IssueList(self.source)
        for index in range(len(self)) if deep else ():
            try:
                self[index]
            except BadSample as error:
                frame = self.frames[index]
                issues.error(error.issue.code, error.issue.message, frame["place"], frame["path"], error.issue.fix)
        return sorted(self.issues + issues.all(), key=lambda issue: issue.severity != "error")


def read_frame(root, name, place, labels, issues, number):
    """The paths, the calibration and the objects of a frame; errors are recorded."""
    folder = os.path.join(root, "training")
    scan, calib, label = (
        os.path.join(folder, part, name + end)
        for part, end in (("velodyne", ".bin"), ("calib", ".txt"), ("label_2", ".txt"))
    )
    frame = {
        "path": scan,
        "place": place,
        "calibration": None,
        "truth": np.zeros((0, TRUTH)),
        "boxes": np.zeros((0, 7)),
    }
    if not os.path.isfile(scan):
        issues.error("D104", f"lists the frame {name}, whose scan is not there", place, scan, image=number)
        return frame
    try:
        frame["calibration"] = read_calibration(calib)
        truth = read_labels_3d(label, labels)
    except DataError as error:
        given = getattr(error, "issue", None)
        code, message = (given.code, given.message) if given else ("D104", "a file of the frame cannot be read")
        issues.error(code, message, place, given.file if given else str(error).splitlines()[-1].strip(), image=number)
        return frame
    frame["truth"], frame["boxes"] = truth, truth[truth[:, 7] >= 0, :7].copy()
    return frame


def read_labels_3d(path, labels):
    """The rows of `truth` of a file of labels, float32 [T, 15], see :class:`KittiObjects`.

    Raises:
        BadSample: D113 or D119 for a line that is no object, D109 for a class that is almost one of `labels`.
        DataError: the file is missing.
    """
    classes = {"DontCare": DONT_CARE, NEIGHBORS.get(labels[0], ""): NEIGHBOR}
    classes |= {name: number for number, name in enumerate(labels)}
    rows = []
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if not fields or fields[0] not in classes:
            hint = did_you_mean(fields[0], labels) if fields and fields[0] not in KINDS else ""
            if hint:
                fix = "correct it, or add it to labels"
                raise bad_file("D109", path, f"line {number}: the class {fields[0]!r} is unknown{hint}", fix=fix)
            continue
        try:
            values = np.array([float(field) for field in fields[1:LABEL]])
        except ValueError:
            values = np.zeros(0)
        kind = classes[fields[0]]
        if len(values) != LABEL - 1 or not np.isfinite(values).all() or (kind >= 0 and (values[7:10] <= 0).any()):
            fix = "type truncation occlusion alpha x1 y1 x2 y2 h w l x y z ry, with sizes above 0"
            raise bad_file("D113", path, f"line {number} is no object: {line.strip()[:60]!r}", fix=fix)
        truncation, occlusion, height = values[0], values[1], values[6] - values[4]
        levels = [
            height > least and occlusion <= most and truncation <= cut for least, most, cut in DIFFICULTIES.values()
        ]
        level = next((2 - k for k, fits in enumerate(levels) if fits), -1)
        rows.append([*values[10:13], *values[7:10], values[13], kind, level, height, *values[3:7], values[2]])
    return np.array(rows, np.float32).reshape(-1, TRUTH)
