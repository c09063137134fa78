"""Detection datasets in the format of YOLO: a text file of fractions per image, and data.yaml with folders and classes.

A line of a text file is `class x y width height`, the center and the size as fractions of the upright image, or
`class x1 y1 x2 y2 x3 y3 ...`, a polygon, whose bounding box is used. The text file of `images/a/1.jpg` is
`labels/a/1.txt`, or `1.txt` beside it.
"""

import os

import numpy as np

from common.config.tree import to_plain
from common.config.yaml import read_file
from common.data.issues import IssueList, data_error
from common.errors import BadSample, ConfigError
from common.vision.files import Listing, describe_left_out, image_size, is_image_file

from .coco import select_labels
from .detection import DetectionDataset
from .image_folder import images_in
from .imagenet_list import read_lines
from .labels import read_labels
from .objects import find_labels, to_boxes
from .values import compare_names, read_integer, read_name, read_number

NOT_LABELS = ("classes.txt", "readme.txt", "readme.roboflow.txt", "readme.dataset.txt", "data.txt", "labels.txt")
NAMES = ("classes.txt", "labels/classes.txt", "labels.txt", "obj.names")


class YoloDetection(DetectionDataset):
    """Images and boxes of text files in the format of YOLO.

    Images without a text file, or with an empty one, are background. Class names come from data.yaml, else from
    classes.txt in `root`.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        data (str): the YAML file with folders and `names`.
        split (str): the key of the folder in `data`, such as train, val or test.
        images (str | None): the folder of the images, in place of `split`; or a list of image files, one per line.
        labels (list[str] | str): the classes to use, in this order, or a file with one per line; default all.
        with_empty (bool): whether to keep images without boxes, as background.
        bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/yolo",
        data="data.yaml",
        split="train",
        images=None,
        labels=None,
        with_empty=True,
        bad_boxes="error",
        bad_samples="error",
    ):
        file = os.path.join(root, data)
        about = read_about(file) if os.path.isfile(file) else {}
        self.source = file if about else root
        issues = IssueList(self.source)
        names = read_names(about, root, file, issues)
        self.labels, numbers = select_labels(dict(enumerate(names)), read_labels(labels, root), issues)
        self.category_ids = list(numbers)
        compare_names(names, issues)
        paths = find_images(root, about, split, images, file, issues)
        listed, objects = read_all(paths, names, set(self.labels), issues)
        boxes = to_boxes(objects, self.labels)

        def place(k):
            return listed[objects[k]["image"]]["file"], objects[k]["place"]

        self.store(listed, boxes, place, issues, with_empty, bad_boxes, bad_samples)


def read_about(file):
    """The content of data.yaml (dict); raises DataError D112."""
    issues = IssueList(file)
    try:
        about = to_plain(read_file(file))
    except ConfigError as error:
        issues.error("D112", f"cannot be read: {error}")
        raise data_error(issues.errors) from None
    return about


def read_names(about, root, file, issues):
    """The class names in the order of their numbers; raises DataError D113 or D104."""
    names = about.get("names")
    if names is None and (found := find_labels(None, root, NAMES)):
        return read_labels(found, root)
    if names is None:
        fix = "write `names: [...]` into data.yaml, or one name per line into classes.txt"
        issues.error("D104", "there are no class names", fix=fix)
        raise data_error(issues.errors)
    if isinstance(names, dict):
        numbered = {read_integer(number): name for number, name in names.items()}
        if sorted(key for key in numbered if key is not None) != list(range(len(names))):
            issues.error("D113", "the keys of `names` are not 0, 1, 2, ...", "names", str(list(names)[:12]))
            raise data_error(issues.errors)
        names = [numbered[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        issues.error("D113", "`names` is neither a list nor numbered names", "names", str(names)[:80])
        raise data_error(issues.errors)
    found = []
    for number, name in enumerate(names):
        plain = str(name) if isinstance(name, int) and not isinstance(name, bool) else name  # classes named 1, 2, ...
        found.append(read_name(plain, f"names[{number}]", issues))
        if found[-1] is None:
            issues.error("D113", "a class name is not a text", f"names[{number}]", str(name)[:80], "put it in quotes")
        elif found[-1] in found[:-1]:
            issues.error("D115", "class name appears twice", f"names[{number}]", name, "give every class a unique name")
    count = about.get("nc")
    if count is not None and read_integer(count) != len(found):
        issues.error("D113", f"`nc` is {count}, but there are {len(found)} names", "nc", str(count))
    if issues.errors:
        raise data_error(issues.errors)
    return found


def find_images(root, about, split, images, file, issues):
    """The image files of a split, sorted or in the order of a list; raises DataError D104 or D113."""
    entries = images if images is not None else about.get(split)
    if entries is None and not about:
        entries = next((name for name in (f"images/{split}", f"{split}/images", "images") if is_there(root, name)), "")
    if entries is None:
        near = {"eval": "val", "val": "valid"}.get(split)
        has = ", ".join(key for key in about if key not in ("names", "nc", "path")) or "no split"
        fix = f"the file has {has}" + (f": set split: {near}" if near in about else "")
        issues.error("D113", f"has no '{split}'", split, fix=fix)
        raise data_error(issues.errors)
    entries = entries if isinstance(entries, list) else [entries]
    base, found = str(about.get("path") or ""), []
    for entry in entries:
        if not isinstance(entry, str):
            issues.error("D113", f"'{split}' is not a folder, a list of images, or several of them", split, str(entry))
            continue
        place = locate(root, base, entry)
        if place is None:
            issues.error("D104", "there is no such folder or list of images", split, entry, f"it is sought in {root}")
        elif os.path.isdir(place):
            others = []
            found += images_in(place, others)
            others = [name for name in others if not name.lower().endswith((".txt", ".cache", ".json", ".yaml"))]
            if text := describe_left_out(others):
                issues.warn("D151", f"{text}: files that are no images by their suffix", split, file=place)
        else:
            found += read_list(place, root, base)
    if issues.errors:
        raise data_error(issues.errors)
    return list(dict.fromkeys(found))


def is_there(root, name):
    """True if a folder in `root` exists."""
    return os.path.isdir(os.path.join(root, name))


def locate(root, base, entry):
    """The existing path of an entry of data.yaml: in `root`, below its `path`, or as given; None if nothing exists.

    `path` is usually that of the computer where the file was written, and `../` leaves the folder of the file there.
    """
    inside = entry.removeprefix("./")
    while inside.startswith("../"):
        inside = inside.removeprefix("../")
    candidates = [os.path.join(root, entry), os.path.join(root, inside), os.path.join(root, base, entry)]
    candidates += [os.path.join(root, os.path.basename(base.rstrip("/")), entry), os.path.join(base, entry)]
    return next((os.path.normpath(path) for path in candidates if os.path.exists(path)), None)


def read_list(file, root, base):
    """The image files of a list, one per line, relative to the dataset or to the list."""
    found = []
    for line in read_lines(file, IssueList(file)):
        if name := line.strip().replace("\\", "/"):
            beside = os.path.normpath(os.path.join(os.path.dirname(file), name))
            found.append(locate(root, base, name) or (beside if os.path.exists(beside) else os.path.join(root, name)))
    return found


def label_file(path):
    """The text file of an image; the folder `images` becomes `labels`, the last one in the path."""
    stem, parts = os.path.splitext(path)[0] + ".txt", path.split(os.sep)
    for k in range(len(parts) - 2, -1, -1):
        if parts[k] == "images":
            other = os.sep.join([*parts[:k], "labels", *parts[k + 1 : -1], os.path.basename(stem)])
            return other if os.path.exists(other) or not os.path.exists(stem) else stem
    return stem


def read_all(paths, names, wanted, issues):
    """The images and the objects of all text files."""
    images, objects, listing, missing = [], [], Listing(), []
    for i, path in enumerate(paths):
        file = label_file(path)
        image = {"id": i, "file_name": os.path.basename(path), "path": path, "file": file, "place": ""}
        image.update(width=0, height=0, unread=True)
        try:
            width, height, turned = image_size(path)
            image["width"], image["height"] = (height, width) if turned else (width, height)
        except BadSample:
            pass  # reported with the files and sizes of all images
        images.append(image)
        if file not in listing:
            missing.append(file)
        elif image["width"]:
            objects += read_objects(file, i, image, names, wanted, issues)
    for file in missing:
        issues.warn("D114", "image without a text file, taken as background", file=file)
    warn_unused(paths, issues)
    return images, objects


def warn_unused(paths, issues):
    """Warns of text files that have no image (D116), in the folders of the images' text files."""
    folders = {os.path.dirname(path) for path in paths}
    beside = [os.path.join(folder, n) for folder in folders for n in names_in(folder) if is_image_file(n)]
    used = {label_file(path) for path in (*paths, *beside)}  # also of the other splits
    for folder in sorted({os.path.dirname(file) for file in used}):
        names = names_in(folder)
        stems = {os.path.splitext(name)[0] for name in names if is_image_file(name)}
        for name in names:
            path = os.path.join(folder, name)
            lonely = name.endswith(".txt") and path not in used and os.path.splitext(name)[0] not in stems
            if lonely and name.lower() not in NOT_LABELS and "labels" in folder.split(os.sep):
                issues.warn("D116", "text file without an image; left out", file=path)


def names_in(folder):
    """The names in a folder, sorted; none if it does not exist."""
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def read_objects(file, image, about, names, wanted, issues):
    """The objects of one text file (list[dict])."""
    found, size = [], np.array([about["width"], about["height"]] * 2, np.float64)
    try:
        with open(file, encoding="utf-8-sig") as opened:
            lines = opened.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        issues.error("D112", f"text file cannot be read: {error}", file=file, image=image)
        return []
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        place, values = f"line {number}", [read_number(field) for field in fields]
        fault, fix = fault_of(values, names)
        if fault:
            code = "D109" if "class" in fault else "D108" if "pixels" in fault else "D118"
            issues.error(code, fault, place, line[:80], fix, file, image)
            continue
        name = names[int(values[0])]
        if name not in wanted:
            issues.warn("D109", "box of a class that is not in `labels`; left out", place, name, file=file)
            continue
        corners = (corners_of_line(values[1:]) * size).tolist()
        found.append({"name": name, "corners": corners, "difficult": False, "image": image, "place": place})
    return found


def fault_of(values, names):
    """(fault, fix) of the numbers of a line; (None, "") for a valid one."""
    takes = "a line is `class x y width height`, or a class and three or more points"
    if len(values) == 6:
        return "has six numbers; a prediction with its score?", takes
    if len(values) < 5 or len(values) % 2 == 0:
        return f"has {len(values)} fields", takes
    if None in values:
        return f"field {values.index(None) + 1} is not a number", takes
    if values[0] != int(values[0]) or not 0 <= values[0] < len(names):
        return f"class {values[0]:g} is unknown: there are {len(names)} classes, 0 to {len(names) - 1}", "see `names`"
    if max(values[1:]) > 2:
        return "coordinates look like pixels", "divide x by the width and y by the height of the image"
    return None, ""


def corners_of_line(values):
    """The corners (x1, y1, x2, y2) of a box or of a polygon, in fractions."""
    if len(values) == 4:
        x, y, width, height = values
        return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    points = np.reshape(values, (-1, 2))
    return np.concatenate([points.min(0), points.max(0)])
