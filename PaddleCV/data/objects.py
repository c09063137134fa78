"""Annotated objects as dicts with `name`, `corners`, `difficult`, `image` and `place`, and as arrays of boxes."""

import difflib
from pathlib import Path

import numpy as np

from .detection import Boxes


def select_known(objects, labels, images, issues):
    """The objects whose class is in the labels; any other class is an error (D109)."""
    known = set(labels)
    for item in objects:
        if item["name"] not in known:
            near = difflib.get_close_matches(item["name"], labels, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the labels are {', '.join(labels[:12])}"
            file = images[item["image"]]["file"]
            issues.error("D109", "class is not in the labels", item["place"], item["name"], fix, file, item["image"])
    return [item for item in objects if item["name"] in known]


def corners_of(objects):
    """The corners of all objects, float64 [B, 4]."""
    return np.array([item["corners"] for item in objects], np.float64).reshape(-1, 4)


def to_boxes(objects, labels, box=None):
    """The objects as :class:`Boxes`; `box` replaces the corners, float64 [B, 4]."""
    box = corners_of(objects) if box is None else box
    number_of = {name: number for number, name in enumerate(labels)}
    return Boxes(
        image=np.array([item["image"] for item in objects], np.int64),
        box=box,
        label=np.array([number_of[item["name"]] for item in objects], np.int64),
        crowd=np.zeros(len(objects), bool),
        difficult=np.array([item["difficult"] for item in objects], bool),
        area=(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]),
        position=np.arange(len(objects)),
    )


def find_labels(labels, root, names):
    """The file of class names to use: as given, else the first of `names` in the folder that exists, else None."""
    return labels if labels is not None else next((name for name in names if (Path(root) / name).is_file()), None)
