"""Detection datasets of JSON files that labelme and programs like it write beside the images, one per image.

Rectangles, polygons, circles and other shapes with an extent become their bounding boxes, and with `with_masks` masks
too; shapes of one label and one `group_id` are one object.
"""

import json
import math
import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.files import DuplicateKey, parse_json
from common.vision.files import Listing, is_image_file

from .detection import DetectionDataset
from .imagenet_list import read_lines
from .labels import read_labels
from .objects import find_labels, select_known, to_boxes
from .outlines import encode_outlines, outline_of_shape
from .segments import warn_of_distance
from .values import compare_names, read_flag, read_integer, read_name, read_number, read_size

EXTENDED = ("rectangle", "polygon", "circle", "mask", "oriented_rectangle", "rotation", "quadrilateral", "cuboid")
FLAT = ("point", "points", "line", "linestrip")  # shapes without an extent


class LabelmeDetection(DetectionDataset):
    """Images and boxes of labelme's JSON files.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the folder of the JSON files, subfolders included.
        list_file (str | None): a list of images or JSON files, one per line, with or without suffix, relative to
            `annotations`; default all JSON files of the folder.
        labels (list[str] | str): class names in order, or a file with one per line; default `labels.txt` in `root` if
            it exists, else the names found, sorted.
        with_difficult (bool): whether the samples include objects marked difficult; evaluation always knows them.
        with_empty (bool): whether to keep images without boxes, as background.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str): character encoding of the JSON files.
        with_masks (bool): whether to fill in the outlines of the shapes, for models of masks.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/labelme",
        annotations="",
        list_file=None,
        labels=None,
        with_difficult=True,
        with_empty=True,
        bad_boxes="error",
        bad_samples="error",
        encoding="utf-8",
        with_masks=False,
    ):
        folder = os.path.join(root, annotations)
        self.source = os.path.normpath(os.path.join(root, list_file)) if list_file else folder
        self.with_difficult = with_difficult
        issues = IssueList(self.source)
        files = find_files(folder, list_file and self.source, issues)
        listed, objects = read_all(files, encoding, issues)
        known = read_labels(find_labels(labels, root, ("labels.txt",)), root)
        self.labels = sorted({item["name"] for item in objects}) if known is None else known
        self.category_ids = list(range(1, len(self.labels) + 1))
        compare_names(self.labels, issues)
        objects = select_known(objects, self.labels, listed, issues)
        self._outlines = [item["outlines"] for item in objects] if with_masks else None

        def place(k):
            return listed[objects[k]["image"]]["file"], objects[k]["place"]

        self.store(listed, to_boxes(objects, self.labels), place, issues, with_empty, bad_boxes, bad_samples)
        del self._outlines

    def read_masks(self, images, boxes, place, issues):
        """Fills in the outlines of the objects; one that is no mask is an error (D130)."""
        if self._outlines is None:
            return
        boxes.segment = np.empty(len(boxes.label), object)
        for k, number in enumerate(boxes.image):
            height, width = images[number]["height"], images[number]["width"]
            if not (height and width):
                continue  # unreadable, an error already
            try:
                boxes.segment[k] = encode_outlines(self._outlines[k], height, width)
            except ValueError as error:
                file, where = place(k)
                issues.error("D130", str(error), where, file=file, image=int(number))
        warn_of_distance(boxes, place, issues)

    def _for_training(self, rows):
        return self.with_difficult | ~self.boxes.difficult[rows]


def find_files(folder, listed, issues):
    """The JSON files, (path, place in the list) of each; warns of images without one (D116)."""
    if listed:
        lines = [(number, line.strip()) for number, line in enumerate(read_lines(listed, issues), 1)]
        names = {os.path.splitext(line.replace("\\", "/"))[0] + ".json": f"line {k}" for k, line in lines if line}
        return [(os.path.join(folder, name), place) for name, place in names.items()]
    if not os.path.isdir(folder):
        issues.error("D104", "folder of the JSON files does not exist", fix="set `root` and `annotations`")
        raise data_error(issues.errors)
    found, images = [], []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        stems = {os.path.splitext(name)[0] for name in names if name.lower().endswith(".json")}
        found += [os.path.join(place, name) for name in names if name.lower().endswith(".json")]
        images += [os.path.join(place, n) for n in names if is_image_file(n) and os.path.splitext(n)[0] not in stems]
    if found and images and {os.path.dirname(path) for path in images} & {os.path.dirname(path) for path in found}:
        for file in sorted(images):
            issues.warn("D116", "image without a JSON file; left out", file=file)
    return [(path, "") for path in sorted(found)]


def read_all(files, encoding, issues):
    """The images and the objects of all JSON files; the image of an unreadable one keeps its index."""
    images, objects, listing = [], [], Listing()
    for i, (file, place) in enumerate(files):
        content = read_content(file, place, encoding, listing, i, issues)
        image = {"id": i, "width": 0, "height": 0, "file": file, "place": "", "unread": content is None}
        image["path"] = find_image(file, content or {}, listing)
        image["file_name"] = os.path.basename(image["path"])
        if content is not None:
            image["width"], image["height"] = (read_size(content.get(f"image{key}")) for key in ("Width", "Height"))
            objects += read_shapes(content["shapes"], i, file, issues)
        images.append(image)
    return images, objects


def read_content(file, place, encoding, listing, image, issues):
    """The object of a JSON file with its list `shapes`, or None after an error (D104, D112, D113)."""
    try:
        with open(file, "rb") as opened:
            content = parse_json(opened.read().decode("utf-8-sig" if encoding == "utf-8" else encoding))
    except OSError as error:
        near = listing.nearest(file)
        fix = f"did you mean {near!r}?" if near else "set `root` and `annotations` to the location of the JSON files"
        message = f"annotation file cannot be opened: {error.strerror}: {file}"
        issues.error("D104", message, place, fix=fix, image=image)
    except DuplicateKey as error:
        where = f"line {error.lineno}, column {error.colno}"
        issues.error("D112", error.msg, where, error.key, "remove one of them", file, image)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        issues.error("D112", f"is not JSON: {error.msg}", where, file=file, image=image)
    except UnicodeDecodeError as error:
        fix = "save it as UTF-8, or name its encoding, such as `encoding: gbk`"
        issues.error("D112", f"is not {encoding}", f"byte {error.start}", fix=fix, file=file, image=image)
    except LookupError:
        raise ValueError(f"encoding {encoding!r} is unknown") from None
    except RecursionError:
        issues.error("D112", "is nested too deeply to be an annotation file", file=file, image=image)
    else:
        if isinstance(content, dict) and isinstance(content.get("shapes"), list):
            return content
        fix = "an annotation of labelme has `shapes`, `imagePath`, `imageWidth` and `imageHeight`"
        issues.error("D113", "has no list 'shapes'", value=str(content)[:80], fix=fix, file=file, image=image)
    return None


def find_image(file, content, listing):
    """The image of a JSON file: its `imagePath`, else the image with its stem; a guess if none exists."""
    named, folder = content.get("imagePath"), os.path.dirname(file)
    if isinstance(named, str) and named.strip():
        path = os.path.normpath(os.path.join(folder, named.strip().replace("\\", "/")))
        beside = os.path.join(folder, os.path.basename(path))
        found = next((candidate for candidate in (path, beside) if candidate in listing), None)
        return found or listing.same_stem(file) or path
    return listing.same_stem(file) or os.path.splitext(file)[0] + ".jpg"


def read_shapes(shapes, image, file, issues):
    """The objects of one file: `name`, `corners`, `difficult`, `image`, `place` (list[dict])."""
    found, groups = [], {}
    for number, shape in enumerate(shapes):
        place, shape = f"shapes[{number}]", shape if isinstance(shape, dict) else {}
        name = read_name(shape.get("label"), place, issues, file)
        if name is None:
            value = str(shapes[number])[:80]
            issues.error("D113", "needs a text 'label'", place, value, file=file, image=image)
            continue
        kind = shape.get("shape_type")
        kind = "polygon" if kind is None else kind
        if not isinstance(kind, str):
            issues.error("D113", "'shape_type' is not a text", place, str(kind)[:80], file=file, image=image)
            continue
        if kind not in (*FLAT, *EXTENDED):
            issues.warn("D113", "unknown 'shape_type'; the bounding box of its points is used", place, kind, file=file)
        if kind in FLAT:
            message = f"shape of type '{kind}' has no extent; left out"
            issues.warn("D106", message, place, name, file=file)
            continue
        corners = corners_of_shape(kind, shape.get("points"))
        if corners is None:
            message = f"'points' of a {kind} are not pairs of numbers, as many as it needs"
            issues.error("D113", message, place, str(shape.get("points"))[:80], file=file, image=image)
            continue
        difficult = read_flag(shape.get("difficult", False))
        if difficult is None:
            value = str(shape["difficult"])[:80]
            issues.warn("D113", "'difficult' is neither true nor false, assumed false", place, value, file=file)
        item = {"name": name, "corners": corners, "difficult": bool(difficult), "image": image, "place": place}
        item["outlines"] = [outline_of_shape(kind, shape["points"], corners, shape.get("mask"))]
        group = read_integer(shape.get("group_id"))
        if shape.get("group_id") is not None and (group is None or group < 0):
            message = "'group_id' is not 0 or a positive integer; ignored"
            issues.warn("D113", message, place, str(shape["group_id"])[:80], file=file)
            group = None
        other = item if group is None else groups.setdefault((name, group), item)
        if other is item:
            found.append(item)
        else:
            (x1, y1, x2, y2), (left, top, right, bottom) = other["corners"], corners
            other["corners"] = [min(x1, left), min(y1, top), max(x2, right), max(y2, bottom)]
            other["outlines"] += item["outlines"]
    return found


def corners_of_shape(kind, points):
    """The bounding box of a shape as [x1, y1, x2, y2]; None if its points are invalid."""
    pairs = points if isinstance(points, list) else []
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        return None
    numbers = [[value if isinstance(value, float) else read_number(value) for value in pair] for pair in pairs]
    least = {"rectangle": 2, "circle": 2, "mask": 2}.get(kind, 3)
    if len(numbers) < least or any(None in pair for pair in numbers) or (kind == "circle" and len(numbers) != 2):
        return None
    if kind == "circle":
        (x, y), (edge_x, edge_y) = numbers
        radius = math.hypot(edge_x - x, edge_y - y)
        return [x - radius, y - radius, x + radius, y + radius]
    columns, rows = zip(*numbers, strict=True)
    return [min(columns), min(rows), max(columns), max(rows)]
