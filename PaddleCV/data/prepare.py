"""Preparation of a user's own images: the formats of a folder, its splits as lists, and a configuration."""

import os
import shlex
from pathlib import Path

from common.data.preparation import EVALUATION, Prepared, groups_by_path
from common.data.split import split_samples
from common.errors import DataError
from common.files import parse_json
from common.log import counted
from common.vision.files import is_image_file

from .own_boxes import READERS, is_box_table
from .own_faces import WiderFolder, is_wider_file
from .own_masks import find_pairs, is_outlined, open_outlines, open_pairs, prepare_masks
from .own_recipes import classifier_config, detector_config
from .yolo import label_file

FORMATS = {
    "yolo": "text files in the format of YOLO",
    "voc": "XML files in the format of VOC",
    "coco": "JSON files in the format of COCO",
    "labelme": "JSON files of labelme",
    "csv": "CSV files of boxes",
    "wider": "text files in the format of WIDER FACE",
    "folders": "class folders of images",
    "outlines": "JSON files of labelme with polygons, for segmentation",
    "masks": "images and their masks, for segmentation",
}
MASKS = {"outlines": open_outlines, "masks": open_pairs}
NOT_CLASSES = {"images", "image", "imgs", "img", "jpegimages", "labels", "annotations", "imagesets"}
PEEK = 20  # JSON files that are looked into


def recognize(folder, files):
    """The formats that a folder holds.

    Args:
        folder (Path): the folder of the user.
        files (list[str]): the paths in it, relative to it.

    Returns:
        dict: format -> number and kind of its files.
    """
    found = {name: [] for name in FORMATS}
    for name in files:
        suffix = os.path.splitext(name)[1].lower()
        if suffix == ".xml" and "annotation" in read_start(folder / name):
            found["voc"].append(name)
        elif suffix == ".csv" and is_box_table(folder / name):
            found["csv"].append(name)
        elif is_image_file(name):
            text = label_file(str(folder / name))
            if os.path.isfile(text) and looks_like_yolo(read_start(text)):
                found["yolo"].append(name)
    for name in [name for name in files if name.lower().endswith(".json")][:PEEK]:
        content = read_object(folder / name)
        found["coco"] += [name] if {"images", "annotations", "categories"} <= content.keys() else []
        found["labelme"] += [name] if "shapes" in content and not is_outlined(content) else []
        found["outlines"] += [name] if is_outlined(content) else []
    if found["outlines"] and len(found["outlines"]) > len(found["labelme"]):
        found["labelme"] = []
    else:
        found["outlines"] = []
    texts = [] if found["yolo"] else [name for name in files if name.lower().endswith(".txt")][:PEEK]
    found["wider"] = [name for name in texts if is_wider_file(folder / name)]
    found = {name: names for name, names in found.items() if names}
    if not found and (pairs := find_pairs(folder, files)):
        found["masks"] = [" and ".join(pairs[0])]
    if not found and len(classes := class_folders(files)) > 1:
        found["folders"] = sorted(classes)
    return {name: f"{FORMATS[name]}, such as {names[0]}" for name, names in found.items()}


def prepare(kind, request, files):
    """The splits and the configuration of a folder of a format (Prepared)."""
    if kind == "folders":
        return prepare_classes(request, files)
    if kind in MASKS:
        return prepare_masks(request, files, MASKS[kind], split_paths)
    return prepare_boxes(kind, request, files)


def prepare_boxes(kind, request, files):
    """A detection dataset: read once by its reader, so that its errors are reported with their places."""
    reader = (READERS | {"wider": WiderFolder})[kind](request, files)
    dataset = reader.read()
    paths = [Path(os.path.relpath(path, request.source)).as_posix() for path in dataset.paths()]
    classes = [[int(k) for k in dataset[i]["labels"]] for i in range(len(dataset))]
    train, evaluation, how = split_paths(paths, classes, request, reader.given)
    written, nodes = {}, {}
    for split, rows in (("train", train), ("eval", evaluation)):
        nodes[split] = reader.write(split, rows, written)
    config, notes = detector_config(request, dataset, train, nodes)
    counts = [sum(label in classes[i] for i in evaluation) for label in range(dataset.num_classes)]
    rare = [name for name, count in zip(dataset.labels, counts) if not count]
    found = ((len(dataset), "image"), (len(dataset.boxes.label), "box"), (dataset.num_classes, "class"))
    notes = [", ".join(counted(*pair) for pair in found), how, *notes]
    if rare:
        notes.append(f"too rare for the evaluation split, which has none of: {', '.join(rare)}")
    return Prepared(written, config, notes, f"--image {shlex.quote(str(dataset.paths()[evaluation[0]]))}")


def prepare_classes(request, files):
    """A classification dataset: lists of the images in class folders."""
    classes = class_folders(files)
    if len(classes) < 2:
        raise DataError(f"error[D117] {request.source}: needs a folder of images for each of two or more classes")
    labels = sorted(classes)
    rows = [(name, number) for number, label in enumerate(labels) for name in classes[label]]
    odd = next((name for name, _ in rows if "\n" in name or "\t" in name), None)
    if odd:
        raise DataError(f"error[D118] {request.source / odd!r}: a name with a tab or a line break cannot be listed")
    paths = [name for name, _ in rows]
    train, evaluation, how = split_paths(paths, [[number] for _, number in rows], request)
    written = {
        f"{split}.txt": "".join(f"{rows[i][0]}\t{rows[i][1]}\n" for i in chosen)
        for split, chosen in (("train", train), ("eval", evaluation))
    }
    written["labels.txt"] = "".join(f"{label}\n" for label in labels)
    config, notes = classifier_config(request, [str(request.source / rows[i][0]) for i in train], labels)
    notes = [f"{counted(len(rows), 'image')}, {counted(len(labels), 'class')}: {', '.join(labels[:12])}", how, *notes]
    return Prepared(written, config, notes, f"--image {shlex.quote(str(request.source / rows[evaluation[0]][0]))}")


def split_paths(paths, classes, request, given=None):
    """(training indices, evaluation indices, a line that says how): the splits of the folder, else new ones.

    Args:
        paths (list[str]): relative to the folder.
        classes (list): of each image.
        request (Request): fraction, seed and group.
        given (dict | None): path -> split, where a file of the dataset names it; else the names of the folders count.
    """
    given = given or {path: split_in_path(path) for path in paths}
    train = [i for i, path in enumerate(paths) if given.get(path) == "train"]
    by_split = {name: [i for i, path in enumerate(paths) if given.get(path) == name] for name in EVALUATION}
    name = next((name for name in EVALUATION if by_split[name]), None)
    if train and name and not request.group:
        rest = len(paths) - len(train) - len(by_split[name])
        left = f"; {rest} other images are in neither" if rest else ""
        return train, by_split[name], f"the folder's own splits: {len(train)} train, {len(by_split[name])} {name}{left}"
    groups = groups_by_path(paths, request.group)
    copies = 0
    if not request.group:
        groups, copies = join_copies([request.source / path for path in paths], groups)
    train, evaluation = split_samples(classes, request.fraction, request.seed, groups)
    same = f"; {copies} copies of the same image stay together" if copies else ""
    by = f", by {len(set(groups))} groups" if request.group else ""
    return (
        train,
        evaluation,
        f"split by class{by}: {len(train)} train, {len(evaluation)} eval, seed {request.seed}{same}",
    )


def split_in_path(path):
    """`train` or the name of an evaluation split, from the folders of a path; None if none is named so."""
    for part in path.lower().split("/")[:-1]:
        for name in ("train", *EVALUATION):
            if part == name or part.rstrip("0123456789") == name:
                return name
    return None


def join_copies(files, groups):
    """The groups with files of the same content joined, and the number of copies; files of one size are compared."""
    by_size, first, joined, copies = {}, {}, list(groups), 0
    for i, file in enumerate(files):
        by_size.setdefault(file.stat().st_size, []).append(i)
    for same in (rows for rows in by_size.values() if len(rows) > 1):
        for i in same:
            other = first.setdefault(files[i].read_bytes(), i)
            copies += other != i
            joined[i] = joined[other]
        first.clear()
    return joined, copies


def class_folders(files):
    """{class: images}: the folders that hold images, below folders of splits if there are any.

    Empty if there is a folder `images` too: the others then hold masks or the like, not classes.
    """
    found = {}
    for name in files:
        parts = name.split("/")[:-1]
        if not is_image_file(name) or not parts:
            continue
        inner = parts[1:] if split_in_path(f"{parts[0]}/") else parts
        if inner and inner[0].lower() in NOT_CLASSES:
            return {}
        if inner:
            found.setdefault(inner[0], []).append(name)
    return found


def read_start(path, size=4096):
    """The first characters of a file; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            return file.read(size)
    except OSError:
        return ""


def looks_like_yolo(text):
    """True for a text of numbers only, a class and coordinates per line; also for an empty one."""
    try:
        return all(
            len(line.split()) >= 5 and [float(f) for f in line.split()] for line in text.splitlines()[:3] if line
        )
    except ValueError:
        return False


def read_object(path):
    """The object of a JSON file (dict); empty for any other file."""
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
