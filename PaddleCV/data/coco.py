"""Detection datasets in the COCO JSON format (https://cocodataset.org/#format-data), with validation."""

import difflib
import json
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.files import DuplicateKey, parse_json
from common.regular import check_regular

from .coco_records import COLUMNS, read_box, read_images
from .detection import Boxes, DetectionDataset, rescale_area, write_new
from .labels import read_labels
from .segments import FIX as SEGMENT_FIX
from .segments import read_segment, warn_of_distance
from .values import compare_names, read_integer, read_name, read_number


class CocoDetection(DetectionDataset):
    """Images and boxes of a COCO JSON file.

    Classes are numbered by ascending category id; gaps in the ids do not matter.  Crowd boxes are used in evaluation
    only, not in the samples.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the JSON file.
        images (str): the folder that the file names are relative to.
        labels (list[str] | str): the classes to use, in this order, or a file with one per line; default all.
        with_empty (bool): whether to keep images without boxes, as background.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str): character encoding of the JSON file.
        with_masks (bool): whether to read `segmentation`, polygons or run-length codes, for models of masks.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: an option has an invalid value, or the encoding is unknown.
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
        with_masks=False,
    ):
        self.source, self.encoding = os.path.normpath(os.path.join(root, annotations)), encoding
        issues = IssueList(self.source)
        content = read_json(self.source, encoding, issues)
        names = read_categories(content["categories"], issues)
        self.labels, self.category_ids = select_labels(names, read_labels(labels, root), issues)
        self.file_ids = list(self.category_ids)
        listed = read_images(content["images"], os.path.join(root, images), self.source, issues)
        boxes = self._read_boxes(content["annotations"], listed, names, issues)
        self._segments = [record.get("segmentation") for record in content["annotations"]] if with_masks else None
        ids = [record.get("id") if isinstance(record, dict) else None for record in content["annotations"]]

        def place(k):
            position = boxes.position[k]
            return self.source, f"annotations[{position}] (id={ids[position]}, image_id={listed[boxes.image[k]]['id']})"

        self.store(listed, boxes, place, issues, with_empty, bad_boxes, bad_samples)
        del self._segments
        kept = set(self.boxes.position.tolist())
        self.dropped = {position for position in boxes.position.tolist() if position not in kept}

    def _read_boxes(self, records, images, names, issues):
        """The boxes of the selected classes."""
        index_of = {image["id"]: i for i, image in enumerate(images)}
        number_of = {category: number for number, category in enumerate(self.category_ids)}
        found = (
            read_box(record, position, index_of, names, number_of, issues) for position, record in enumerate(records)
        )
        rows = [row for row in found if row is not None]
        column = dict(zip(COLUMNS, np.array(rows, np.float64).reshape(-1, len(COLUMNS)).T))
        x, y, w, h = (column[name] for name in "xywh")
        ids, counts = np.unique(column["id"], return_counts=True)
        for own in np.repeat(ids, counts - 1):
            issues.warn("D115", "duplicate annotation ids", value=f"such as {int(own)}")
        return Boxes(
            image=column["image"].astype(np.int64),
            box=np.stack([x, y, x + w, y + h], 1),
            label=column["label"].astype(np.int64),
            crowd=column["crowd"] > 0,
            difficult=np.zeros(len(rows), bool),
            area=column["area"],
            position=column["position"].astype(np.int64),
        )

    def read_masks(self, images, boxes, place, issues):
        """Reads the segmentation of each box; a wrong one is an error (D130), one beside its box a warning (D111)."""
        if self._segments is None:
            return
        boxes.segment = np.empty(len(boxes.label), object)
        for k, (number, position) in enumerate(zip(boxes.image, boxes.position)):
            image = images[number]
            if not (image["width"] and image["height"]):
                continue  # unreadable, an error already
            try:
                boxes.segment[k] = read_segment(self._segments[position], image["height"], image["width"])
            except ValueError as error:
                file, where = place(k)
                issues.error("D130", str(error), where, fix=SEGMENT_FIX, file=file, image=int(number))
        warn_of_distance(boxes, place, issues)

    def write_fixed(self, path):
        """Writes a copy of the JSON file without the dropped boxes and images, and with the other boxes clipped.

        Everything else in the file is kept, including masks and the boxes of unselected classes.

        Args:
            path (str): a file other than the source.
        """
        content = read_json(self.source, self.encoding, IssueList(self.source))
        images = set(self.ids)
        clipped = dict(zip(self.boxes.position.tolist(), self.clipped.tolist()))
        kept = []
        for position, record in enumerate(content["annotations"]):
            record = record if isinstance(record, dict) else {}
            if position in self.dropped or read_integer(record.get("image_id")) not in images:
                continue
            if position in clipped:
                x1, y1, x2, y2 = clipped[position]
                before = [read_number(value) for value in record["bbox"]]
                after = [x1, y1, x2 - x1, y2 - y1]
                record["bbox"] = before if np.allclose(before, after, atol=1e-3) else after
                record["area"] = rescale_area(read_number(record.get("area")), before, record["bbox"])
                record.setdefault("iscrowd", 0)
            kept.append(record)
        content["annotations"] = kept
        content["images"] = [image for image in content["images"] if read_integer(image.get("id")) in images]
        write_new(path, self.source, content)

    def examine(self, images, boxes, issues):
        """Warns where boxes are probably written as corners (D108): most leave the image, and all fit as corners."""
        sizes = np.array([(image["width"], image["height"]) for image in images], np.float64).reshape(-1, 2)
        size = sizes[boxes.image]
        first, extent = boxes.box[:, :2], boxes.box[:, 2:] - boxes.box[:, :2]  # x, y and width, height as written
        leaving = (boxes.box[:, 2:] > size + 0.5).any(1)
        corners = (extent > first).all(1) & (extent <= size + 0.5).all(1)
        count = len(leaving)
        if corners.all() and leaving.sum() * 2 > count:
            message = f"{leaving.sum()} of {count} boxes leave their image, and all would fit as x1, y1, x2, y2"
            fix = "write bbox as x, y, width, height"
            issues.warn("D108", f"bbox looks like corners: {message}", fix=fix)


def read_json(path, encoding, issues):
    """The content of the file, an object with three lists.

    Raises:
        DataError: D104, D112 (with line and column, or the invalid byte), D113 (a list is missing).
    """
    try:
        check_regular(path)
        with open(path, "rb") as file:
            data = file.read()
        text = data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
        content = parse_json(text)
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError) as error:
        fix = "set `root` and `annotations` to the location of the file"
        issues.error("D104", f"annotation file cannot be opened: {error.strerror}", fix=fix)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fix = "save it as UTF-8, or name its encoding, such as `encoding: gbk`"
        value = f"byte 0x{data[error.start]:02x}"
        issues.error("D112", f"is not {encoding}", f"line {line}, byte {error.start}", value, fix)
    except LookupError:
        raise ValueError(f"encoding {encoding!r} is unknown") from None
    except DuplicateKey as error:
        fix = "merge the two, or remove one of them"
        issues.error("D112", error.msg, f"line {error.lineno}, column {error.colno}", error.key, fix)
    except json.JSONDecodeError as error:
        issues.error("D112", f"is not JSON: {error.msg}", f"line {error.lineno}, column {error.colno}")
    except RecursionError:
        issues.error("D112", "is nested too deeply to be an annotation file")
    if issues.errors:
        raise data_error(issues.errors)
    check_lists(content, issues)
    return content


def check_lists(content, issues):
    """Raises DataError for a file without the three lists of COCO (D113)."""
    needed = ("images", "annotations", "categories")
    if not isinstance(content, dict):
        kind = "a list (a file of results?)" if isinstance(content, list) else f"a {type(content).__name__}"
        issues.error("D113", f"holds {kind}, not an object with {', '.join(needed)}")
        raise data_error(issues.errors)
    for key in needed:
        if key not in content:
            near = difflib.get_close_matches(key, list(content), n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(list(content)[:8]) or 'nothing'}"
            issues.error("D113", f"has no {key!r}", fix=fix)
        elif not isinstance(content[key], list):
            issues.error("D113", f"{key!r} is not a list", value=type(content[key]).__name__)
    if issues.errors:
        raise data_error(issues.errors)


def read_categories(records, issues):
    """Category id -> name, by ascending id; duplicate ids and names are errors (D115)."""
    names = {}
    for position, record in enumerate(records):
        place = f"categories[{position}]"
        record = record if isinstance(record, dict) else {}
        category, name = read_integer(record.get("id")), read_name(record.get("name"), place, issues)
        if category is None or name is None:
            issues.error("D113", "needs an integer 'id' and a string 'name'", place, str(records[position])[:80])
        elif category in names:
            issues.error("D115", f"category id {category} appears twice", place, f"{names[category]}, {name}")
        elif name in names.values():
            issues.error("D115", "category name appears twice", place, name, "give every class a unique name")
        else:
            names[category] = name
            if category < 0:
                issues.warn("D113", "category id is negative", place, category)
    compare_names(names.values(), issues)
    if not records:
        issues.error("D117", "'categories' is empty: there is nothing to detect")
    if issues.errors:
        raise data_error(issues.errors)
    return dict(sorted(names.items()))


def select_labels(names, wanted, issues):
    """The selected class names and their category ids, in order; a name that the file lacks is an error (D109)."""
    if wanted is None:
        return list(names.values()), list(names)
    id_of = {name: category for category, name in names.items()}
    for name in wanted:
        if name not in id_of:
            near = difflib.get_close_matches(name, list(id_of), n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"the file has {', '.join(list(id_of)[:12])}"
            issues.error("D109", "label is not a category of the file", "categories", name, fix)
    if issues.errors:
        raise data_error(issues.errors)
    return list(wanted), [id_of[name] for name in wanted]
