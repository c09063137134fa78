"""Reads detection annotations in COCO's json form (https://cocodataset.org/#format-data), faults included."""

import difflib
import json
import math
import os

import numpy as np

from common.data.check import IssueList, refusal
from common.errors import ConfigError

from .detection import Boxes, DetectionDataset

COLUMNS = ("image", "x", "y", "w", "h", "label", "crowd", "area", "id", "position")


class CocoDetection(DetectionDataset):
    """Images and boxes of a COCO json file.

    Categories are numbered by ascending id, whatever gaps the ids have.  Crowd boxes are kept for the evaluation
    and left out of the samples.

    Args:
        root (str): the folder of the data set; the other paths are relative to it.
        annotations (str): the json file.
        images (str): the folder that the file names are relative to.
        labels (list[str] | str): class names to use, in this order, or a file with one a line; default all.
        with_empty (bool): keep images without boxes, as background.
        bad_boxes (str): `error`, or `drop` boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` a few images with errors.
        encoding (str): of the json file.

    Raises:
        DataError: with every error found, each with a code of `common.data.check`.
    """

    def __init__(
        self,
        root="dataset/coco",
        annotations="annotations/instances_train2017.json",
        images="train2017",
        labels=None,
        with_empty=True,
        bad_boxes="error",
        bad_samples="error",
        encoding="utf-8",
    ):
        self.source = os.path.join(root, annotations)
        issues = IssueList(self.source)
        content = read_json(self.source, encoding, issues)
        names = read_categories(content["categories"], issues)
        self.labels, self.category_ids = choose_labels(names, read_labels(labels, root), issues)
        listed = read_images(content["images"], os.path.join(root, images), self.source, issues)
        boxes, positions = self._read_boxes(content["annotations"], listed, names, issues)

        def place(k):
            image = listed[boxes.image[k]]
            return self.source, f"annotations[{positions[k]}] (id={boxes.id[k]}, image_id={image['id']})"

        self.settle(listed, boxes, place, issues, with_empty, bad_boxes, bad_samples)

    def _read_boxes(self, records, images, names, issues):
        """The boxes of the chosen classes and the position of each in the file's list."""
        index_of = {image["id"]: i for i, image in enumerate(images)}
        number_of = {category: number for number, category in enumerate(self.category_ids)}
        rows, left_out = [], 0
        for position, record in enumerate(records):
            row = read_box(record, position, index_of, names, number_of, issues)
            if row is not None:
                rows.append(row)
            elif isinstance(record, dict) and record.get("category_id") not in number_of:
                left_out += record.get("category_id") in names
        if left_out:
            issues.warn("D109", "boxes of classes that `labels` does not name were left out", count=left_out)
        column = dict(zip(COLUMNS, np.array(rows, np.float64).reshape(-1, len(COLUMNS)).T))
        x, y, w, h = (column[name] for name in "xywh")
        ids = column["id"].astype(np.int64)
        repeated = len(ids) - len(np.unique(ids))
        if repeated:
            value = ids[np.flatnonzero(np.bincount(np.unique(ids, return_inverse=True)[1]) > 1)[:1]]
            issues.warn("D115", "annotation ids appear twice", value=f"such as {value}", count=repeated)
        boxes = Boxes(
            image=column["image"].astype(np.int64),
            box=np.stack([x, y, x + w, y + h], 1),
            label=column["label"].astype(np.int64),
            crowd=column["crowd"] > 0,
            difficult=np.zeros(len(ids), bool),
            area=column["area"],
            id=ids,
        )
        return boxes, column["position"].astype(np.int64)


def read_json(path, encoding, issues):
    """The content of the file with its three lists; anything else is refused at once.

    Raises:
        DataError: D104, D112 (with line and column, or the byte that is not text), D113 (a list is missing).
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
        text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
        content = json.loads(text)
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError) as error:
        fix = "set `root` and `annotations` to where the file is"
        issues.error("D104", f"annotation file cannot be opened: {error.strerror}", fix=fix)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fix = "save it as UTF-8, or name its encoding, such as `encoding: gbk`"
        value = f"byte 0x{data[error.start]:02x}"
        issues.error("D112", f"is not {encoding}", f"line {line}, byte {error.start}", value, fix)
    except LookupError:
        raise ConfigError(f"encoding {encoding!r} is unknown") from None
    except json.JSONDecodeError as error:
        issues.error("D112", f"is not JSON: {error.msg}", f"line {error.lineno}, column {error.colno}")
    except RecursionError:
        issues.error("D112", "is nested too deeply to be an annotation file")
    if issues.errors:
        raise refusal(issues.errors)
    check_lists(content, issues)
    return content


def check_lists(content, issues):
    """Refuses a file without COCO's three lists (D113)."""
    needed = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        kind = "a list (a file of results?)" if isinstance(content, list) else f"a {type(content).__name__}"
        issues.error("D113", f"holds {kind}, not an object with {', '.join(needed)}")
        raise refusal(issues.errors)
    for key in needed:
        if key not in content:
            near = difflib.get_close_matches(key, list(content), n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(list(content)[:8]) or 'nothing'}"
            issues.error("D113", f"has no {key!r}", fix=fix)
        elif not isinstance(content[key], list):
            issues.error("D113", f"{key!r} is not a list", value=type(content[key]).__name__)
    if issues.errors:
        raise refusal(issues.errors)


def read_categories(records, issues):
    """Category id -> name, by ascending id; ids and names that appear twice are errors (D115)."""
    names = {}
    for position, record in enumerate(records):
        place = f"categories[{position}]"
        category, name = (record.get("id"), record.get("name")) if isinstance(record, dict) else (None, None)
        if not is_integer(category) or not isinstance(name, str):
            issues.error("D113", "needs an integer 'id' and a text 'name'", place, str(record)[:80])
        elif int(category) in names:
            issues.error("D115", f"category id {category} appears twice", place, f"{names[int(category)]}, {name}")
        elif name in names.values():
            issues.error("D115", "category name appears twice", place, name, "give every class a name of its own")
        else:
            names[int(category)] = name
    if not records:
        issues.error("D117", "'categories' is empty: there is nothing to detect")
    if issues.errors:
        raise refusal(issues.errors)
    return dict(sorted(names.items()))


def read_labels(labels, root):
    """The class names asked for: a list as it is, or the lines of a file (in `root`, or as given)."""
    if labels is None or not isinstance(labels, str):
        return None if labels is None else list(labels)
    path = os.path.join(root, labels) if os.path.exists(os.path.join(root, labels)) else labels
    issues = IssueList(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            names = [line.strip() for line in file if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        issues.error("D104", f"list of labels cannot be read: {error}", fix="one class name a line, UTF-8")
        raise refusal(issues.errors) from None
    for name in sorted({name for name in names if names.count(name) > 1}):
        issues.error("D115", "label appears twice", value=name)
    if issues.errors:
        raise refusal(issues.errors)
    return names


def choose_labels(names, wanted, issues):
    """Class names and their category ids, in the order asked for; a name the file lacks is an error (D109)."""
    if wanted is None:
        return list(names.values()), list(names)
    id_of = {name: category for category, name in names.items()}
    for name in wanted:
        if name not in id_of:
            near = difflib.get_close_matches(name, list(id_of), n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(list(id_of)[:12])}"
            issues.error("D109", "label is no category of the file", "categories", name, fix)
    if issues.errors:
        raise refusal(issues.errors)
    return list(wanted), [id_of[name] for name in wanted]


def read_images(records, folder, source, issues):
    """The listed images, in the file's order, with the index errors refer to them by."""
    images, ids, files = [], set(), set()
    for position, record in enumerate(records):
        place = f"images[{position}]"
        missing = [key for key in ("id", "file_name") if not isinstance(record, dict) or key not in record]
        if missing:
            issues.error("D113", f"has no {' and no '.join(map(repr, missing))}", place, str(record)[:80])
            continue
        image_id, name = record["id"], record["file_name"]
        if not is_integer(image_id) or not isinstance(name, str) or not name:
            issues.error("D113", "needs an integer 'id' and a text 'file_name'", place, str(record)[:80])
            continue
        if int(image_id) in ids:
            issues.error("D115", f"image id {image_id} appears twice", place, name)
            continue
        if name in files:
            issues.warn("D115", "image file is listed twice", place, name)
        ids.add(int(image_id))
        files.add(name)
        width, height = (int(v) if is_positive(v := record.get(key)) else 0 for key in ("width", "height"))
        path = os.path.join(folder, name.replace("\\", "/"))
        images.append({"id": int(image_id), "file_name": name, "path": path, "width": width, "height": height})
        images[-1].update(file=source, place=f"{place} (id={image_id})")
    return images


def read_box(record, position, index_of, names, number_of, issues):
    """One annotation as a row of COLUMNS, or None when it is faulty, of no listed image or of a class not asked for."""
    try:
        image_id, category, box = record["image_id"], record["category_id"], record["bbox"]
        x, y, w, h = map(float, box)
    except (KeyError, TypeError, ValueError) as error:
        tell_faulty(record, position, error, issues)
        return None
    place = f"annotations[{position}] (id={record.get('id')}, image_id={image_id})"
    image = index_of.get(int(image_id) if is_integer(image_id) else None)
    if image is None:
        issues.warn("D116", "annotation of an image that is not listed; left out", place)
        return None
    number = number_of.get(category if not isinstance(category, str) else None)
    if number is None:
        if category not in names:
            valid = ", ".join(map(str, list(names)[:12])) + (", ..." if len(names) > 12 else "")
            issues.error("D109", "category_id is unknown", place, category, f"valid ids: {valid}", image=image)
        return None
    area, crowd, own_id = record.get("area"), record.get("iscrowd"), record.get("id")
    if not isinstance(area, (int, float)) or not math.isfinite(area):
        issues.warn("D114", "'area' is missing, computed from the box", place)
        area = w * h
    if crowd is None:
        issues.warn("D114", "'iscrowd' is missing, taken as 0", place)
    own_id = int(own_id) if is_integer(own_id) else -1 - position
    return image, x, y, w, h, number, bool(crowd), area, own_id, position


def tell_faulty(record, position, error, issues):
    """Says which key of an annotation is missing or wrong (D113)."""
    place = f"annotations[{position}]"
    if not isinstance(record, dict):
        issues.error("D113", "is not an object", place, str(record)[:80])
    elif isinstance(error, KeyError):
        near = difflib.get_close_matches(error.args[0], list(record), n=1)
        fix = f"did you mean {near[0]!r}?" if near else ""
        issues.error("D113", f"has no {error.args[0]!r}", f"{place} (id={record.get('id')})", fix=fix)
    else:
        value = str(record["bbox"])[:80]
        issues.error(
            "D113", "'bbox' is not four numbers (x, y, width, height)", f"{place} (id={record.get('id')})", value
        )


def is_integer(value):
    """Whether a value of the file can be used as an id: a whole number, or digits in quotes."""
    if isinstance(value, str):
        return value.isdecimal()
    return isinstance(value, int | float) and not isinstance(value, bool) and value == math.floor(value)


def is_positive(value):
    """Whether a value of the file is a positive finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
