"""Datasets of keypoints in the COCO JSON format (https://cocodataset.org/#format-data), with validation."""

import difflib
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.files import parse_json

from .coco import read_categories, read_json
from .coco_records import COLUMNS, read_box, read_images
from .keypoints import KeypointDataset, People
from .labels import read_labels
from .values import read_integer, read_name, read_number

PIXEL_CENTER = 0.5  # COCO's keypoints are indexes of pixels
VISIBILITIES = (0, 1, 2)  # not labeled, hidden, visible


class CocoKeypoints(KeypointDataset):
    """The people of a COCO JSON file of keypoints, such as person_keypoints_train2017.json.

    People of whom no keypoint is labeled, and crowds, are used in evaluation only, where nobody has to find them.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the JSON file.
        images (str): the folder that the file names are relative to.
        labels (list[str] | str): the keypoints to use, in this order, or a file with one per line; default all.
        category (str | None): the category to use; None for the only one with keypoints.
        detections (str | None): a JSON file of boxes in COCO's format of results, which are then the samples, in place
            of the annotated people; for evaluation.
        min_score (float): boxes of `detections` that score less are left out.
        bad_keypoints (str): `error`, or `drop`: labeled keypoints outside their image count as not labeled.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str): character encoding of the JSON file.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: an option has an invalid value, or the encoding is unknown.
    """

    shift = PIXEL_CENTER

    def __init__(
        self,
        root="dataset/coco",
        annotations="annotations/person_keypoints_train2017.json",
        images="train2017",
        labels=None,
        category=None,
        detections=None,
        min_score=0.0,
        bad_keypoints="error",
        bad_samples="error",
        encoding="utf-8",
    ):
        self.source = os.path.join(root, annotations)
        issues = IssueList(self.source)
        content = read_json(self.source, encoding, issues)
        names = read_categories(content["categories"], issues)
        self.category_id, given = select_category(content["categories"], names, category, issues)
        chosen = read_labels(labels, root)
        self.labels = given if chosen is None else chosen
        order = order_of(self.labels, given, issues)
        listed = read_images(content["images"], os.path.join(root, images), self.source, issues)
        records = content["annotations"]
        people = self.read_people(records, listed, names, len(given), issues)
        people.points = people.points[:, order]

        def place(k):
            record = records[people.position[k]]
            return self.source, f"annotations[{people.position[k]}] (id={record.get('id')})"

        self.store(listed, people, place, issues, bad_keypoints, bad_samples)
        if detections is not None:
            self.use_boxes(os.path.join(root, detections), min_score)

    def read_people(self, records, images, names, count, issues):
        """The people of the annotations (People); `count` is the number of keypoints of each."""
        index_of = {image["id"]: i for i, image in enumerate(images)}
        number_of, rows, points = {self.category_id: 0}, [], []
        for position, record in enumerate(records):
            row = read_box(record, position, index_of, names, number_of, issues)
            if row is None:
                continue
            own = read_points(record.get("keypoints"), count)
            if isinstance(own, str):
                place = f"annotations[{position}] (id={record.get('id')})"
                fix = f"write x, y and 0, 1 or 2 for each of {count} keypoints"
                issues.error("D113", f"'keypoints' {own}", place, str(record.get("keypoints"))[:80], fix, image=row[0])
                continue
            rows.append(row)
            points.append(own)
        column = dict(zip(COLUMNS, np.array(rows, np.float64).reshape(-1, len(COLUMNS)).T))
        x, y, w, h = (column[name] for name in "xywh")
        return People(
            image=column["image"].astype(np.int64),
            box=np.stack([x, y, x + w, y + h], 1),
            points=np.array(points, np.float64).reshape(-1, count, 3),
            crowd=column["crowd"] > 0,
            area=column["area"],
            score=np.ones(len(rows)),
            head=np.full(len(rows), np.nan),
            position=column["position"].astype(np.int64),
        )

    def use_boxes(self, path, min_score):
        """Makes the boxes of a file of results the samples; raises DataError for another file."""
        issues = IssueList(path)
        try:
            with open(path, encoding="utf-8-sig") as file:
                records = parse_json(file.read())
        except OSError as error:
            issues.error("D104", f"file of boxes cannot be opened: {error.strerror}")
            raise data_error(issues.errors) from None
        except ValueError as error:
            issues.error("D112", f"is not JSON: {error}")
            raise data_error(issues.errors) from None
        index_of = {image["id"]: i for i, image in enumerate(self.images)}
        rows = []
        for position, record in enumerate(records if isinstance(records, list) else [None]):
            record = record if isinstance(record, dict) else {}
            bbox = record.get("bbox")
            numbers = [read_number(value) for value in bbox] if isinstance(bbox, list) else []
            score, image = read_number(record.get("score")), read_integer(record.get("image_id"))
            if len(numbers) != 4 or None in (*numbers, score, image) or min(numbers[2:]) <= 0:
                message = "is no box: needs image_id, category_id, bbox (x, y, width, height) and score"
                issues.error("D113", message, f"[{position}]", str(record)[:80])
            elif image in index_of and read_integer(record.get("category_id")) == self.category_id:
                rows += [(index_of[image], *numbers, score, position)] * (score >= min_score)
        if not rows and not issues.errors:
            issues.error("D117", "has no box of these images and this category", value=f"least score {min_score}")
        if issues.errors:
            raise data_error(issues.errors)
        image, x, y, w, h, score, position = np.array(rows).T
        self.rows = np.arange(len(rows))
        self.found = People(
            image=image.astype(np.int64),
            box=np.stack([x, y, x + w, y + h], 1),
            points=np.zeros((len(rows), len(self.labels), 3)),
            crowd=np.zeros(len(rows), bool),
            area=w * h,
            score=score,
            head=np.full(len(rows), np.nan),
            position=position.astype(np.int64),
        )


def select_category(records, names, wanted, issues):
    """The id of the category and the names of its keypoints; raises DataError where it is not clear (D109, D117)."""
    found = {}
    for position, record in enumerate(records):
        points, place = record.get("keypoints"), f"categories[{position}].keypoints"
        points = [read_name(name, place, issues) for name in points] if isinstance(points, list) else []
        if points and None not in points and len(set(points)) == len(points):
            found[names[read_integer(record["id"])]] = (read_integer(record["id"]), points)
    if wanted is None and len(found) == 1:
        return next(iter(found.values()))
    if wanted in found:
        return found[wanted]
    fix = f"categories with keypoints: {', '.join(found) or 'none'}"
    if wanted is None:
        message = "several categories have keypoints" if found else "no category has a list of different 'keypoints'"
        issues.error("D117", message, "categories", fix=f"name it by `category`; {fix}" if found else fix)
    else:
        issues.error("D109", "category has no keypoints, or is not in the file", "categories", wanted, fix)
    raise data_error(issues.errors)


def order_of(labels, given, issues):
    """The places of the labels among the keypoints of the file; raises DataError for one that it lacks (D109)."""
    for name in labels:
        if name not in given:
            near = difflib.get_close_matches(name, given, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(given)}"
            issues.error("D109", "label is not a keypoint of the file", "categories", name, fix)
    if issues.errors:
        raise data_error(issues.errors)
    return [given.index(name) for name in labels]


def read_points(values, count):
    """The keypoints of an annotation, a list of [x, y, visibility], zeros where the key is missing; or a fault."""
    if values is None:
        return [[0.0, 0.0, 0.0]] * count
    if not isinstance(values, list) or len(values) != 3 * count:
        return f"is not a list of {3 * count} numbers"
    numbers = [value if isinstance(value, float) else read_number(value) for value in values]
    if None in numbers:
        return "has a value that is no number"
    if any(numbers[k] not in VISIBILITIES for k in range(2, len(numbers), 3)):
        return "has a visibility that is not 0, 1 or 2"
    found = [numbers[k : k + 3] for k in range(0, len(numbers), 3)]
    return [[x + PIXEL_CENTER, y + PIXEL_CENTER, v] if v else [0.0, 0.0, 0.0] for x, y, v in found]
