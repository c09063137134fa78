"""Open Images detection (Kuznetsova et al. 2020, https://arxiv.org/abs/1811.00982): boxes in a CSV file, class names in
another one, perhaps a hierarchy of the classes and labels of whole images that people have verified.

Shapes in this file:
    I images, C classes.
"""

import csv
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.errors import BadSample
from common.regular import check_regular
from common.vision.files import image_size

from .class_hierarchy import read_hierarchy
from .coco import select_labels
from .detection import Boxes, DetectionDataset
from .labels import read_labels
from .values import read_number

SIDES = ("XMin", "YMin", "XMax", "YMax")
NEEDED = ("ImageID", "LabelName", *SIDES)


class OpenImagesDetection(DetectionDataset):
    """Images `<ImageID>.jpg` and the boxes of a file such as train-annotations-bbox.csv, in fractions of the sides.

    Boxes with IsGroupOf, around several objects, are used in evaluation only, not in the samples.  The images are those
    that the file names, and those of `image_labels`.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the CSV file with the boxes; its header names the columns.
        images (str): the folder of the images.
        classes (str): a CSV file without header: the code of a class, such as /m/011k07, and its name.
        labels (list[str] | str): the names to use, in this order, or a file with one per line; default all.
        hierarchy (str | None): a JSON file such as bbox_labels_600_hierarchy.json; the metric needs it.
        expand (bool): a box is also one of every class above its own, as the challenge trains and evaluates.
        image_labels (str | None): a CSV file of verified labels of images, with Confidence 1 or 0.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Attributes:
        ancestors (list[list[int]] | None): the classes above each class.
        expanded (bool): the annotations hold the classes above.
        verified (set | None): (image id, class) of the labels of images; None without such a file.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self, root="dataset/open_images", annotations="train-annotations-bbox.csv", images="train",
        classes="class-descriptions-boxable.csv", labels=None, hierarchy=None, expand=False, image_labels=None,
        bad_boxes="error", bad_samples="error",
    ):  # fmt: skip
        if expand and hierarchy is None:
            raise ValueError("expand needs a hierarchy, the JSON file with the classes above each class")
        self.source = os.path.normpath(os.path.join(root, annotations))
        names = read_class_names(os.path.normpath(os.path.join(root, classes)))
        issues, codes = IssueList(self.source), list(names)
        self.labels, self.category_ids = select_labels(
            dict(enumerate(names.values(), 1)), read_labels(labels, root), issues
        )
        number_of = {codes[category - 1]: number for number, category in enumerate(self.category_ids)}
        self.expanded = expand
        self.ancestors = read_hierarchy(os.path.join(root, hierarchy), number_of, names) if hierarchy else None
        self.listed, self.index = [], {}
        rows = self.read_boxes(os.path.join(root, images), names, number_of, issues)
        verified = os.path.join(root, image_labels) if image_labels else None
        pairs = self.read_verified(verified, os.path.join(root, images), names, number_of) if verified else None
        boxes = self.to_boxes(rows)

        def place(k):
            position = int(boxes.position[k])
            return self.source, f"line {position} ({self.listed[boxes.image[k]]['file_name']})"

        self.verified = None if pairs is None else {(image + 1, number) for image, number in pairs}
        self.store(self.listed, boxes, place, issues, True, bad_boxes, bad_samples)
        del self.listed, self.index

    def image_number(self, name, folder, file, place):
        """The number of an image by its id, a new one at its first occurrence."""
        number = self.index.setdefault(name, len(self.listed))
        if number == len(self.listed):
            path = os.path.join(folder, f"{name}.jpg")
            width = height = 0
            try:
                width, height, turned = image_size(path)
                width, height = (height, width) if turned else (width, height)
            except BadSample:
                pass  # reported with the files and sizes of all images
            image = {"id": number + 1, "file_name": f"{name}.jpg", "path": path, "width": width, "height": height}
            self.listed.append(image | {"file": file, "place": place, "unread": True})
        return number

    def read_boxes(self, folder, names, number_of, issues):
        """Rows (image, label, group, line, four sides in fractions) of the boxes of the classes, float64 [B, 8]."""
        rows = []
        for line, record in read_table(self.source, NEEDED, issues):
            place, name, code = f"line {line}", record["ImageID"].strip(), record["LabelName"].strip()
            sides = [read_number(record[side]) for side in SIDES]
            group = record.get("IsGroupOf", "0").strip()
            fault = fault_of(name, sides, group)
            if fault:
                issues.error(*fault, place, ",".join(record.values())[:80])
                continue
            if code not in names:
                issues.error("D109", "the class is not in the file of classes", place, code[:40])
                continue
            image = self.image_number(name, folder, self.source, place)
            if code in number_of:
                rows.append((image, number_of[code], group == "1", line, *sides))
            else:
                issues.warn("D109", "box of a class that is not in `labels`; left out", place, names[code])
        if issues.errors and not rows:
            raise data_error(issues.errors)
        return np.array(rows, np.float64).reshape(-1, 8)

    def read_verified(self, path, folder, names, number_of):
        """(image, class) of the verified labels of images, with all classes that follow from them (set)."""
        issues, found = IssueList(path), set()
        below = [[] for _ in number_of]
        for number, above in enumerate(self.ancestors or ()):
            for other in above:
                below[other].append(number)
        for line, record in read_table(path, ("ImageID", "LabelName", "Confidence"), issues):
            place, code = f"line {line}", record["LabelName"].strip()
            there = read_number(record["Confidence"])
            if there not in (0, 1) or not record["ImageID"].strip():
                issues.error(
                    "D118", "Confidence is neither 0 nor 1, or ImageID is empty", place, record["Confidence"][:40]
                )
            elif code in number_of:
                image, number = self.image_number(record["ImageID"].strip(), folder, path, place), number_of[code]
                related = (self.ancestors[number] if there else below[number]) if self.ancestors else ()
                found |= {(image, one) for one in (number, *related)}
        if issues.errors:
            raise data_error(issues.errors)
        return found

    def to_boxes(self, rows):
        """The rows of :meth:`read_boxes` as Boxes in pixels, with those of the classes above where `expand` is set."""
        if self.expanded:
            more = [(k, other) for k, label in enumerate(rows[:, 1].astype(int)) for other in self.ancestors[label]]
            added = rows[[k for k, _ in more]]
            added[:, 1] = [other for _, other in more]
            rows = np.concatenate([rows, added])
        image = rows[:, 0].astype(np.int64)
        sizes = np.array([(one["width"] or 1, one["height"] or 1) for one in self.listed], np.float64).reshape(-1, 2)
        box = rows[:, 4:] * np.tile(sizes[image], 2)
        return Boxes(
            image=image,
            box=box,
            label=rows[:, 1].astype(np.int64),
            crowd=rows[:, 2] > 0,
            difficult=np.zeros(len(rows), bool),
            area=(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]),
            position=rows[:, 3].astype(np.int64),
        )


def fault_of(name, sides, group):
    """(code, message) of a row of the file of boxes; None for a good one."""
    if not name or "/" in name or "\\" in name:
        return "D118", "ImageID is empty, or a path"
    if None in sides:
        return "D113", f"{', '.join(SIDES)} are not four numbers"
    if not all(-0.001 <= side <= 1.001 for side in sides):
        return "D108", "a side is not in [0, 1]: boxes are written in fractions of the image"
    if group not in ("0", "1", "-1", ""):
        return "D113", "IsGroupOf is not 0, 1 or -1"
    return None


def read_class_names(path):
    """{code: name} of a CSV file without header; raises DataError."""
    issues, names = IssueList(path), {}
    for line, fields in read_rows(path, issues):
        if len(fields) != 2 or not all(field.strip() for field in fields):
            issues.error(
                "D118", f"{len(fields)} fields; a line is the code of a class, a comma, its name", f"line {line}"
            )
            continue
        code, name = (field.strip() for field in fields)
        if code in names or name in names.values():
            issues.error("D115", "class is listed twice", f"line {line}", f"{code}, {name}")
        names[code] = name
    if not names and not issues.errors:
        issues.error("D117", "names no class")
    if issues.errors:
        raise data_error(issues.errors)
    return names


def read_table(path, needed, issues):
    """(line, {column: text}) of the rows behind the header; raises DataError for a header without a needed column."""
    names = None
    for line, fields in read_rows(path, issues):
        if names is None:
            names = [field.strip() for field in fields]
            lacking = [name for name in needed if name not in names]
            if lacking:
                issues.error("D113", f"the header has no {', '.join(lacking)}", f"line {line}", ",".join(names)[:80])
                raise data_error(issues.errors)
        elif len(fields) != len(names):
            issues.error(
                "D118", f"{len(fields)} fields where {len(names)} are expected", f"line {line}", fields[0][:40]
            )
        else:
            yield line, dict(zip(names, fields))


def read_rows(path, issues):
    """(line, fields) of a CSV file without its blank lines; raises DataError where it cannot be opened or read."""
    reader = None
    try:
        check_regular(path)
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for fields in reader:
                if fields:
                    yield reader.line_num, fields
    except OSError as error:
        issues.error("D104", f"cannot be opened: {error.strerror}", fix="set `root` and the file to its location")
        raise data_error(issues.errors) from None
    except (csv.Error, UnicodeDecodeError) as error:
        line = f"line {reader.line_num + isinstance(error, UnicodeDecodeError)}" if reader is not None else ""
        issues.error("D112", f"is not CSV in UTF-8: {error}"[:120], line)
        raise data_error(issues.errors) from None
