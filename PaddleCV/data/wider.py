"""Face datasets in the text format of WIDER FACE (http://shuoyang1213.me/WIDERFACE/).

A file lists image after image: the path of the image, the number of its faces, and a line for each face,
`x y width height blur expression illumination invalid occlusion pose`. An image without a face has the number 0 and,
in the official files, a line of zeros after it.
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.vision.files import IMAGE_SUFFIXES

from .detection import DetectionDataset
from .imagenet_list import read_lines
from .objects import to_boxes
from .values import read_integer, read_number

FIELDS = 10
INVALID = 7  # the place of the flag of faces that are not to be learned
TAKES = "a face is `x y width height`, and the six attributes of WIDER FACE if they are known"


class WiderFaceDetection(DetectionDataset):
    """Images and faces of a WIDER FACE text file, such as wider_face_train_bbx_gt.txt.

    Faces marked invalid are difficult boxes: metrics ignore them, and the samples leave them out.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the text file.
        images (str): the folder that the paths in the file are relative to.
        with_invalid (bool): whether the samples include faces marked invalid.
        with_empty (bool): whether to keep images without faces, as background.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image; the official files have some.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        part (list[int] | None): the images from the first number on, before the second, counted from 0; None for all.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: an option has an invalid value.
    """

    def __init__(
        self,
        root="dataset/wider_face",
        annotations="wider_face_split/wider_face_train_bbx_gt.txt",
        images="WIDER_train/images",
        with_invalid=False,
        with_empty=True,
        bad_boxes="error",
        bad_samples="error",
        part=None,
    ):
        self.source = os.path.normpath(os.path.join(root, annotations))
        self.with_invalid = with_invalid
        self.labels, self.category_ids = ["face"], [1]
        issues = IssueList(self.source)
        listed, objects = read_faces(self.source, os.path.join(root, images), issues)
        boxes = to_boxes(objects, self.labels)

        def place(k):
            return self.source, objects[k]["place"]

        self.store(listed, boxes, place, issues, with_empty, bad_boxes, bad_samples)
        if part is not None:
            self.keep_part(part)

    def _for_training(self, rows):
        return self.with_invalid | ~self.boxes.difficult[rows]


def read_faces(source, folder, issues):
    """The images and the objects of the text file (two list[dict])."""
    lines, images, objects, names, at = read_lines(source, issues), [], [], set(), 0
    while at < len(lines):
        name = lines[at].strip().replace("\\", "/")
        at += 1
        if not name:
            continue
        place = f"line {at}"
        if not name.lower().endswith(tuple(IMAGE_SUFFIXES)):
            fix = "the file alternates between an image, the number of its faces, and a line for each face"
            issues.error("D118", "is not the path of an image", place, name[:80], fix)
            raise data_error(issues.errors)  # the lines after it cannot be assigned to images
        count = read_integer(lines[at].strip()) if at < len(lines) else None
        if count is None or count < 0:
            value = lines[at].strip()[:80] if at < len(lines) else "the file ends"
            issues.error("D118", f"has no number of faces after {name}", f"line {at + 1}", value, "write 0 for none")
            raise data_error(issues.errors)
        at += 1
        if name in names:
            issues.error("D115", "image file is listed twice", place, name, "merge its faces", image=len(images))
        names.add(name)
        for number in range(at, at + count):
            text = lines[number].split() if number < len(lines) else []
            objects += read_face(text, len(images), f"line {number + 1}", name, issues)
        at += count
        if not count and at < len(lines) and set(lines[at].split()) == {"0"}:
            at += 1
        image = {"id": len(images), "file_name": name, "path": os.path.join(folder, name), "width": 0, "height": 0}
        images.append({**image, "file": source, "place": place, "unread": True})
    return images, objects


def read_face(fields, image, place, name, issues):
    """The object of a line as a list of one; empty after an error (D118)."""
    values = [read_number(field) for field in fields]
    fault = None
    if len(fields) not in (4, FIELDS):
        fault = f"has {len(fields)} fields" if fields else "is missing"
    elif None in values:
        fault = f"field {values.index(None) + 1} is not a number"
    elif len(fields) == FIELDS and values[INVALID] not in (0, 1):
        fault = f"field {INVALID + 1}, invalid, is {fields[INVALID]}, neither 0 nor 1"
    if fault:
        issues.error("D118", f"a face of {name} {fault}", place, " ".join(fields)[:80], TAKES, image=image)
        return []
    x, y, width, height = values[:4]
    corners = np.array([x, y, x + width, y + height]).tolist()
    difficult = len(fields) == FIELDS and values[INVALID] == 1
    return [{"name": "face", "corners": corners, "difficult": difficult, "image": image, "place": place}]
