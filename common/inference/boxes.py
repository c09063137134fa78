"""The boxes in which a model of keypoints predicts: the records of a detector, as `tools/infer.py` writes them."""

import json
import math

from common.data.issues import IssueList, data_error
from common.errors import BadSample, ConfigError, DataError, DataIssue
from common.inference.task import Task
from common.log import logger

FIX = "give the file that a detector wrote: tools/infer.py --model DETECTOR --image PATH --out boxes.json"
OTHER_SIZE = "boxes of another size of the image may be the cause"
LARGEST = 1e6  # pixels


class Boxed:
    """A source of images, each with the boxes of a file, as `found`: a list of dicts of `box` and `score`.

    Args:
        source (Images): of the images.
        path (str): .json or .jsonl.
        task (Task): its `label` says which boxes are used; those without a label all are.

    Raises:
        ConfigError: the task takes no boxes.
        DataError: the file cannot be read, or holds no predictions.
    """

    def __init__(self, source, path, task):
        if type(task).split is Task.split:
            raise ConfigError(f"--boxes is for models of keypoints; the task of this one is {task.name}")
        self.source, self.path, self.label = source, path, task.label
        self.name, self.what, self.many, self.batch = source.name, source.what, source.many, source.batch
        self.drawing = source.drawing
        self.boxes = read_boxes(path)
        labels = {item.get("label", self.label) for boxes in self.boxes.values() for item in boxes}
        if labels and self.label not in labels:
            raise DataError(
                f"error[D109] {path}: no box has the label {self.label!r}; there are {', '.join(sorted(labels)[:12])}\n"
                "  fix: set postprocess.label in the configuration, and export it again"
            )

    def __iter__(self):
        missing = total = 0
        for sample in self.source:
            total += 1
            missing += sample["name"] not in self.boxes
            boxes = self.boxes.get(sample["name"], [])
            found = [item for item in boxes if item.get("label", self.label) == self.label]
            yield sample | {"found": found, "found_in": self.path}
        if missing and missing == total:
            raise DataError(f"error[D116] {self.path}: names none of these images\n  fix: run the detector on the same")
        if missing:
            logger.warning("%s: %d of %d images are not named; nobody is sought there", self.path, missing, total)


def read_boxes(path):
    """The boxes of each image by its name: a list of objects, or one per line, with `image` and `predictions`.

    Args:
        path (str): of the file.

    Returns:
        dict[str, list[dict]]: of `box` [x1, y1, x2, y2], `score` and, where it is known, `label`.

    Raises:
        DataError: D104, D112, D113 with the place.
    """
    issues, found = IssueList(path), {}
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        issues.error("D104", f"file of boxes cannot be read: {error}", fix=FIX)
        raise data_error(issues.errors) from None
    for place, item in entries(text, issues):
        if not isinstance(item, dict) or not isinstance(item.get("image"), str):
            issues.error("D113", "needs 'image' and 'predictions'", place, str(item)[:80], FIX)
            continue
        predictions = item.get("predictions")
        for prediction in predictions if isinstance(predictions, list) else [None]:
            box = read_box(prediction)
            if box is None:
                issues.error("D113", "a prediction has no 'box' of x1, y1, x2, y2", place, str(prediction)[:80], FIX)
            else:
                found.setdefault(item["image"], []).append(box)
        found.setdefault(item["image"], [])
    if issues.errors:
        raise data_error(issues.errors)
    return found


def entries(text, issues):
    """The objects of a JSON list, or of JSON lines, with their places."""
    if text.lstrip().startswith("["):
        try:
            return [(f"[{number}]", item) for number, item in enumerate(json.loads(text))]
        except (ValueError, RecursionError) as error:
            issues.error("D112", f"is not JSON: {error}", fix=FIX)
            return []
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append((f"line {number}", json.loads(line)))
            except (ValueError, RecursionError) as error:
                issues.error("D112", f"is not JSON: {error}", f"line {number}", fix=FIX)
    return found


def read_box(prediction):
    """The box of a prediction as a dict, or None."""
    box = prediction.get("box") if isinstance(prediction, dict) else None
    if not isinstance(box, list) or len(box) != 4 or not all(is_number(value) for value in box):
        return None
    if box[2] <= box[0] or box[3] <= box[1] or max(map(abs, box)) >= LARGEST:
        return None
    score, label = prediction.get("score"), prediction.get("label")
    found = {"box": [float(value) for value in box], "score": float(score) if is_number(score) else 1.0}
    return found | ({"label": label} if isinstance(label, str) else {})


def check_inside(box, sample):
    """Checks that a box is not entirely outside of its image; raises BadSample D113.

    Args:
        box (list[float]): x1, y1, x2, y2.
        sample (dict): with `image`, its `path`, and `found_in`, the file of the boxes, if they come from one.
    """
    height, width = sample["image"].shape[:2]
    if box[2] > 0 and box[3] > 0 and box[0] < width and box[1] < height:
        return
    path = str(sample.get("path", "an image"))
    file, place = (sample["found_in"], path) if "found_in" in sample else (path, "")
    text = ", ".join(f"{value:.10g}" for value in box)
    message = f"the box [{text}] lies outside of its image of {width}x{height} pixels; {OTHER_SIZE}"
    raise BadSample(DataIssue("D113", "error", file, message, place, fix="give boxes in pixels of this image"))


def is_number(value):
    """True for a finite number that is no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
