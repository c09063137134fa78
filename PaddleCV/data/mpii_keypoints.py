"""The MPII Human Pose dataset (http://human-pose.mpi-inf.mpg.de) as simple baselines split it: a JSON file of people.

Each person is an object of `image` (a file name), `center` [x, y], `scale` (height of the person / 200 pixels),
`joints` [[x, y], ...] and `joints_vis` [0 or 1, ...]; the first pixel has the coordinates (1, 1).
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.files import parse_json

from .keypoints import KeypointDataset, People
from .values import read_number

JOINTS = ("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "thorax", "upper_neck", "head_top")
JOINTS += ("r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist")
UNIT = 200  # pixels of the height of a person of scale 1
DOWN = 15  # pixels of a person of scale 1, by which the center lies too high
FIRST = 1  # coordinate of the first pixel
PIXEL_CENTER = 0.5
HEAD = 0.6  # size of a head by the diagonal of its box
KEYS = ("image", "center", "scale", "joints", "joints_vis")


class MpiiKeypoints(KeypointDataset):
    """The people of a JSON file of MPII, each in a square box around the center.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the JSON file.
        images (str): the folder that the file names are relative to.
        heads (str | None): the file gt_valid.mat with the boxes of the heads in the same order, by which PCKh is
            measured; None for the distance from the top of the head to the neck.
        bad_keypoints (str): `error`, or `drop`: labeled keypoints outside their image count as not labeled.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: an option has an invalid value.
    """

    shift = PIXEL_CENTER - FIRST

    def __init__(
        self,
        root="dataset/mpii",
        annotations="annot/train.json",
        images="images",
        heads=None,
        bad_keypoints="error",
        bad_samples="error",
    ):
        self.boxes_are_annotated = False
        self.source, self.labels = os.path.join(root, annotations), list(JOINTS)
        issues = IssueList(self.source)
        records = read_list(self.source, issues)
        listed, people = read_people(records, os.path.join(root, images), self.source, issues)
        if heads is not None:
            people.head = read_heads(os.path.join(root, heads), len(records))[people.position]

        def place(k):
            return self.source, f"[{people.position[k]}]"

        self.store(listed, people, place, issues, bad_keypoints, bad_samples)


def read_list(path, issues):
    """The records of the file; raises DataError for one that is no list (D104, D112, D113)."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            records = parse_json(file.read())
        if not isinstance(records, list):
            issues.error("D113", "holds no list of people", value=type(records).__name__)
    except OSError as error:
        fix = "set `root` and `annotations` to the location of the file"
        issues.error("D104", f"annotation file cannot be opened: {error.strerror}", fix=fix)
    except (ValueError, RecursionError) as error:
        issues.error("D112", f"is not JSON: {error}")
    if issues.errors:
        raise data_error(issues.errors)
    return records


def read_people(records, folder, source, issues):
    """The images (list[dict]) and the people of the records (People)."""
    images, index_of, rows, points = [], {}, [], []
    for position, record in enumerate(records):
        place = f"[{position}]"
        found = read_person(record)
        if isinstance(found, str):
            issues.error("D113", found, place, str(record)[:80], f"a person has {', '.join(KEYS)}")
            continue
        name, center, scale, own = found
        if name not in index_of:
            index_of[name] = len(images)
            image = {"id": len(images), "file_name": name, "path": os.path.join(folder, name.replace("\\", "/"))}
            images.append({**image, "width": 0, "height": 0, "file": source, "place": place, "unread": True})
        if min(center) < 0 or scale <= 0:
            issues.warn("D114", "has no center; the box is that of the joints", place, name)
            center, scale = around(own)
        x, y, half = center[0], center[1] + DOWN * scale, UNIT * scale / 2
        rows.append((index_of[name], x - half, y - half, x + half, y + half, position))
        points.append(own)
    table = np.array(rows, np.float64).reshape(-1, 6)
    count = len(table)
    people = People(
        image=table[:, 0].astype(np.int64),
        box=table[:, 1:5],
        points=np.array(points, np.float64).reshape(count, len(JOINTS), 3),
        crowd=np.zeros(count, bool),
        area=(table[:, 3] - table[:, 1]) * (table[:, 4] - table[:, 2]),
        score=np.ones(count),
        head=np.full(count, np.nan),
        position=table[:, 5].astype(np.int64),
    )
    return images, people


def read_person(record):
    """(file name, center, scale, joints [[x, y, visibility], ...]) of a record; or what is wrong with it, a text."""
    if not isinstance(record, dict):
        return "is no object"
    missing = [key for key in KEYS if key not in record]
    if missing:
        return f"has no {' and no '.join(map(repr, missing))}"
    name, scale = record["image"], read_number(record["scale"])
    center = read_numbers(record["center"], 2)
    visible = read_numbers(record["joints_vis"], len(JOINTS))
    joints = record["joints"]
    joints = [read_numbers(joint, 2) for joint in joints] if isinstance(joints, list) else []
    if not isinstance(name, str) or not name:
        return "'image' is no name of a file"
    if center is None or scale is None:
        return "'center' or 'scale' is no number"
    if len(joints) != len(JOINTS) or None in joints or visible is None or set(visible) - {0, 1}:
        return f"'joints' are not {len(JOINTS)} pairs of numbers, or 'joints_vis' not as many of 0 and 1"
    shift = PIXEL_CENTER - FIRST
    points = [[x + shift, y + shift, 2.0] if seen else [0.0, 0.0, 0.0] for (x, y), seen in zip(joints, visible)]
    return name, [value + shift for value in center], scale, points


def read_numbers(values, count):
    """A list of `count` numbers as floats; None for anything else."""
    numbers = [read_number(value) for value in values] if isinstance(values, list) else []
    return None if len(numbers) != count or None in numbers else numbers


def around(points):
    """The center and the scale of a person, by the labeled joints [[x, y, visibility], ...]."""
    places = np.array([(x, y) for x, y, seen in points if seen] or [(0.0, 0.0)])
    low, high = places.min(0), places.max(0)
    scale = float((high - low).max()) / UNIT
    x, y = ((low + high) / 2).tolist()
    return (x, y - DOWN * scale), scale


def read_heads(path, count):
    """The size of the head of each person, float64 [count]; raises DataError (D104, D111, D112)."""
    from scipy.io import loadmat  # half a second, for this file alone

    issues = IssueList(path)
    try:
        boxes = np.asarray(loadmat(path, variable_names=["headboxes_src"])["headboxes_src"], np.float64)
        if boxes.shape != (2, 2, count):
            shape = "x".join(map(str, boxes.shape))
            issues.error("D111", f"has heads of the shape {shape}; {count} people need 2x2x{count}")
    except OSError as error:
        issues.error("D104", f"file of heads cannot be opened: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - the reader raises many kinds for what is no MATLAB file
        issues.error("D112", f"is no MATLAB file with 'headboxes_src': {error}")
    if issues.errors:
        raise data_error(issues.errors)
    return HEAD * np.linalg.norm(boxes[1] - boxes[0], axis=0)
