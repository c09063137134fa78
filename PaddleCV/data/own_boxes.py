"""Folders of annotated images as users have them: read by the reader of their format, written as lists of splits."""

import contextlib
import csv
import json
import os
import re
import tempfile
from pathlib import Path

from common.config.tree import to_plain
from common.config.yaml import read_file
from common.data.issues import IssueList, data_error
from common.data.preparation import EVALUATION
from common.errors import ConfigError, DataError
from common.files import parse_json
from common.log import logger
from common.table.csv_lines import separator_of
from common.vision.files import image_size, is_image_file

from .coco import CocoDetection
from .labelme import LabelmeDetection
from .values import read_integer, read_number
from .voc import VocDetection
from .yolo import NAMES, YoloDetection, find_images

IMAGE_COLUMNS = ("image", "filename", "file", "file_name", "path", "image_path", "img", "image_id")
CORNERS = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right", "bottom"))
LABEL_COLUMNS = ("label", "class", "class_name", "name", "category")
HEADER = "image,x1,y1,x2,y2,label (or filename, xmin, ymin, xmax, ymax, class) in any order"


class OwnBoxes:
    """Base class: one folder of images with boxes.

    Args:
        request (Request): the folder of the user, and where the lists go.
        files (list[str]): the paths in the folder, relative to it.

    Attributes:
        given (dict | None): image -> split, where a file of the dataset names it.
    """

    def __init__(self, request, files):
        self.request, self.files, self.given = request, files, None
        self.root = str(request.source)
        self.images = [name for name in files if is_image_file(Path(name).name)]

    def beside(self, name):
        """The path of a written file, relative to the folder of the user."""
        return Path(os.path.relpath(self.request.out / name, self.root)).as_posix()

    def read(self):
        """The dataset of all images; its errors are raised with file and place, and name no temporary file."""
        with tempfile.TemporaryDirectory() as folder, named_as(folder, self.root):
            self.dataset = self.open(Path(folder))
        return self.dataset

    def folder_of(self, name):
        """The folder, relative to that of the user, that an image of this name is in; empty if no image has it."""
        ends = [image for image in self.images if name and f"/{image}".endswith(f"/{name}")]
        return min(ends, key=len)[: -len(name)].rstrip("/") if ends else ""

    def relative(self, path):
        """A path relative to the folder of the user."""
        return Path(os.path.relpath(path, self.root)).as_posix()


@contextlib.contextmanager
def named_as(folder, name):
    """Context manager in which the log and errors say `name` in place of the files of a temporary folder."""
    file = re.compile(re.escape(str(folder)) + r"(/[\w.-]+)?")

    def rename(record):
        record.msg, record.args = file.sub(lambda _: name, record.getMessage()), ()
        return True

    logger.addFilter(rename)
    try:
        yield
    except DataError as error:
        error.args = (file.sub(lambda _: name, str(error)), *error.args[1:])
        raise
    finally:
        logger.removeFilter(rename)


class YoloFolder(OwnBoxes):
    """Text files of fractions; class names from data.yaml, classes.txt or `--labels`."""

    def open(self, folder):
        about, self.data = {}, "data.yaml"
        for name in sorted(n for n in self.files if n.lower().endswith((".yaml", ".yml"))):
            try:
                content = to_plain(read_file(str(self.request.source / name)))
            except ConfigError:
                continue
            if isinstance(content, dict) and "names" in content:
                about, self.data = content, name
                break
        self.labels = list(self.request.labels)
        if self.labels:
            text = f"names: {json.dumps(self.labels, ensure_ascii=False)}\n"
            (folder / "data.yaml").write_text(text, encoding="utf-8")
            self.data = str(folder / "data.yaml")
        elif "names" not in about and not any((self.request.source / name).is_file() for name in NAMES):
            raise DataError(
                f"error[D104] {self.root}: there are no class names: no data.yaml with names, and no {NAMES[0]}"
                "\n  fix: name the classes in the order of their numbers: --labels cat dog"
            )
        else:
            self.given = self.splits_of(about)
        return YoloDetection(self.root, self.data, images=".")

    def splits_of(self, about):
        """{image: split} of the splits of data.yaml; None where it lacks one of the two."""
        names = {key: "train" if key == "train" else "eval" for key in ("train", "val", "valid") if about.get(key)}
        if len(set(names.values())) < 2:
            return None
        issues, file, given = IssueList(self.root), str(self.request.source / self.data), {}
        for key, split in names.items():
            for path in find_images(self.root, about, key, None, file, issues):
                given.setdefault(self.relative(path), split)
        both = set(given.values())
        return given if len(both) == 2 else None

    def write(self, split, rows, written):
        """Adds the list of a split to the written files; returns its node of the configuration."""
        paths = self.dataset.paths()
        written[f"{split}.txt"] = "".join(f"{self.relative(paths[i])}\n" for i in rows)
        node = {"type": "YoloDetection", "root": self.root}
        if self.labels:
            written["data.yaml"] = f"names: {json.dumps(self.labels, ensure_ascii=False)}\n"
            node["data"] = self.beside("data.yaml")
        elif self.data != "data.yaml":
            node["data"] = self.data
        return node | {"images": self.beside(f"{split}.txt")}


class LabelmeFolder(OwnBoxes):
    """JSON files beside their images."""

    def open(self, folder):
        names = [name for name in self.files if name.lower().endswith(".json")]
        (folder / "all.txt").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
        return LabelmeDetection(self.root, list_file=str(folder / "all.txt"))

    def write(self, split, rows, written):
        """Adds the list of a split to the written files; returns its node of the configuration."""
        files = [self.relative(self.dataset.images[i]["file"]) for i in rows]
        written[f"{split}.txt"] = "".join(f"{name}\n" for name in files)
        return {
            "type": "LabelmeDetection",
            "root": self.root,
            "list_file": self.beside(f"{split}.txt"),
            "labels": self.dataset.labels,
        }


class VocFolder(OwnBoxes):
    """XML files beside their images, or in a folder of their own, with or without lists."""

    def open(self, folder):
        of_stem = {}
        for name in self.images:
            of_stem.setdefault(Path(name).stem, []).append(name)
        lines = []
        self.pairs = {}
        for xml in sorted(name for name in self.files if name.lower().endswith(".xml")):
            near = of_stem.get(Path(xml).stem) or [str(Path(xml).with_suffix(".jpg"))]
            near = sorted(near, key=lambda name: (Path(name).parent != Path(xml).parent, name.count("/"), name))
            lines.append(f"{near[0]}\t{xml}\n")
        (folder / "all.txt").write_text("".join(lines), encoding="utf-8")
        self.given = self.splits_of_lists()
        return VocDetection(self.root, list_file=str(folder / "all.txt"))

    def splits_of_lists(self):
        """{image: split} of ImageSets/Main/train.txt and val.txt; None where one is missing."""
        found = {}
        stems = {Path(name).stem: name for name in self.images}
        for name in ("train", *EVALUATION):
            file = self.request.source / "ImageSets/Main" / f"{name}.txt"
            if file.is_file():
                for line in file.read_text(encoding="utf-8-sig").splitlines():
                    if line.strip() in stems:
                        found.setdefault(stems[line.strip()], name)
        return found if len(set(found.values())) > 1 and "train" in found.values() else None

    def write(self, split, rows, written):
        """Adds the list of a split to the written files; returns its node of the configuration."""
        images = [self.dataset.images[i] for i in rows]
        lines = [f"{self.relative(image['path'])}\t{self.relative(image['file'])}\n" for image in images]
        written[f"{split}.txt"] = "".join(lines)
        return {
            "type": "VocDetection",
            "root": self.root,
            "list_file": self.beside(f"{split}.txt"),
            "labels": self.dataset.labels,
        }


class CocoFile(OwnBoxes):
    """One JSON file, or one for training and one for evaluation by their names, with the images in any folder."""

    def open(self, folder):
        names = [name for name in self.files if name.lower().endswith(".json") and self.is_coco(name)]
        if not names:
            raise DataError(f"error[D104] {self.root}: no JSON file has images, annotations and categories")
        by_split = {split_of_file(name): name for name in reversed(names)}
        evaluation = next((split for split in EVALUATION if split in by_split), None)
        if len(names) > 1 and "train" in by_split and evaluation:
            return self.open_pair(folder, {split: by_split[split] for split in ("train", evaluation)})
        if len(names) > 1:
            raise ConfigError(
                f"{self.root} has several JSON files in the format of COCO: {', '.join(names[:6])}"
                "\n  fix: choose the one to split: --only PATTERN, such as --only train.json"
            )
        self.content = json.loads((self.request.source / names[0]).read_text(encoding="utf-8-sig"))
        return CocoDetection(self.root, names[0], self.folder_of_images(self.content))

    def open_pair(self, folder, names):
        """The dataset of the files of two splits (split -> name), which keep their images.

        Raises:
            DataError: the files have other classes, or an image is in both.
        """
        merged, self.given = {"images": [], "annotations": []}, {}
        for split, name in names.items():
            content = json.loads((self.request.source / name).read_text(encoding="utf-8-sig"))
            images = self.folder_of_images(content)
            CocoDetection(self.root, name, images)  # its errors name this file
            classes = {read_integer(c["id"]): c["name"] for c in content["categories"]}
            if merged.setdefault("categories", content["categories"]) is not content["categories"]:
                first = {read_integer(c["id"]): c["name"] for c in merged["categories"]}
                if first != classes:
                    raise DataError(f"error[D113] {self.root}: {' and '.join(names.values())} have other categories")
            numbers = {}
            for image in content["images"]:
                path = f"{images}/{image['file_name']}".lstrip("/").replace("\\", "/")
                if self.given.setdefault(path, split) != split:
                    raise DataError(f"error[D115] {self.root}: {path} is in both {' and '.join(names.values())}")
                number = numbers[read_integer(image["id"])] = len(merged["images"]) + 1
                merged["images"].append(image | {"id": number, "file_name": path})
            for box in content["annotations"]:
                place = {"id": len(merged["annotations"]) + 1, "image_id": numbers[read_integer(box["image_id"])]}
                merged["annotations"].append(box | place)
        self.content = merged
        (folder / "all.json").write_text(json.dumps(merged), encoding="utf-8")
        return CocoDetection(self.root, str(folder / "all.json"), "")

    def is_coco(self, name):
        """True for a JSON file with the lists of COCO."""
        try:
            content = parse_json((self.request.source / name).read_text(encoding="utf-8-sig"))
        except ValueError:
            return False
        return isinstance(content, dict) and {"images", "annotations", "categories"} <= set(content)

    def folder_of_images(self, content):
        """The folder, relative to that of the user, that the file names are relative to; empty if none fits."""
        names = [str(record.get("file_name", "")) for record in content["images"] if isinstance(record, dict)]
        return self.folder_of(names[0].replace("\\", "/") if names else "")

    def write(self, split, rows, written):
        """Adds the JSON file of a split to the written files; returns its node of the configuration."""
        chosen = {self.dataset.ids[i] for i in rows}
        images = [image for image in self.content["images"] if read_integer(image.get("id")) in chosen]
        boxes = [box for box in self.content["annotations"] if read_integer(box.get("image_id")) in chosen]
        content = self.content | {"images": images, "annotations": boxes}
        written[f"{split}.json"] = json.dumps(content, ensure_ascii=False) + "\n"
        return {
            "type": "CocoDetection",
            "root": self.root,
            "annotations": self.beside(f"{split}.json"),
            "images": self.folder_of_images(self.content),
        }


class BoxTable(CocoFile):
    """A CSV file of one box per line; its splits are written in the format of COCO."""

    def open(self, folder):
        names = [n for n in self.files if n.lower().endswith(".csv") and is_box_table(self.request.source / n)]
        if not names:
            raise DataError(f"error[D104] {self.root}: no CSV file has the columns {HEADER}")
        self.content = self.read_tables(names)
        (folder / "all.json").write_text(json.dumps(self.content), encoding="utf-8")
        return CocoDetection(self.root, str(folder / "all.json"), self.folder_of_images(self.content))

    def read_tables(self, names):
        """The rows of the files as the content of a COCO JSON file.

        Raises:
            DataError: lists the lines that are no boxes, and the images that are missing or cannot be read.
        """
        issues, images, boxes, labels = IssueList(self.root), {}, [], set()
        for name in names:
            file = self.request.source / name
            for number, row in enumerate(read_boxes(file), 2):
                place, path = f"line {number}", (row["image"] or "").strip().replace("\\", "/")
                numbers = [read_number(row[key]) for key in ("x1", "y1", "x2", "y2")]
                label = (row["label"] or "").strip()
                if not path:
                    issues.error("D118", "names no image", place, file=file)
                    continue
                images.setdefault(path, len(images) + 1)
                if not label and not any((row[key] or "").strip() for key in ("x1", "y1", "x2", "y2")):
                    continue  # an image without boxes
                if None in numbers or not label:
                    what = "a coordinate is not a number" if None in numbers else "has no label"
                    issues.error("D118", what, place, str(list(row.values()))[:80], f"a line is {HEADER}", file)
                    continue
                if numbers[2] <= 1 and numbers[3] <= 1:
                    issues.error("D108", "coordinates look like fractions", place, fix="write pixels", file=file)
                    continue
                labels.add(label)
                x1, y1, x2, y2 = numbers
                size = {"bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1), "iscrowd": 0}
                boxes.append({"id": len(boxes) + 1, "image_id": images[path], "category_id": label, **size})
        if issues.errors:
            raise data_error(issues.errors)
        return self.as_coco(images, boxes, sorted(labels))

    def as_coco(self, images, boxes, labels):
        """Images {path: id} and boxes with the names of their classes as the content of a COCO JSON file."""
        number = {label: k for k, label in enumerate(labels, 1)}
        prefix = self.folder_of_images({"images": [{"file_name": name} for name in images]})
        listed = []
        for path, key in images.items():
            width, height, turned = image_size(os.path.join(self.root, prefix, path))
            width, height = (height, width) if turned else (width, height)
            listed.append({"id": key, "file_name": path, "width": width, "height": height})
        boxes = [box | {"category_id": number[box["category_id"]]} for box in boxes]
        return {
            "images": listed,
            "annotations": boxes,
            "categories": [{"id": k, "name": label} for label, k in number.items()],
        }


def columns_of_boxes(path):
    """{image, x1, y1, x2, y2, label: column of the header} of a CSV file of boxes; None for any other file."""
    try:
        with open_rows(path) as rows:
            header = next(rows, [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    places = {name.strip().lower(): name for name in header}
    image = next((places[name] for name in IMAGE_COLUMNS if name in places), None)
    label = next((places[name] for name in LABEL_COLUMNS if name in places), None)
    corners = next((names for names in CORNERS if set(names) <= set(places)), None)
    if not (image and label and corners):
        return None
    return {"image": image, "label": label} | dict(zip(CORNERS[0], (places[name] for name in corners)))


def is_box_table(path):
    """True for a CSV file with the columns of boxes."""
    return columns_of_boxes(path) is not None


def read_boxes(path):
    """The rows of a CSV file of boxes: image, x1, y1, x2, y2, label (iterable of dict)."""
    names = columns_of_boxes(path)
    with open_rows(path) as rows:
        header = next(rows)
        for row in filter(None, rows):
            cells = dict(zip(header, row))
            yield {key: cells.get(column) for key, column in names.items()}


@contextlib.contextmanager
def open_rows(path):
    """Context manager: the rows of a CSV file (iterable of list[str]), with the separator of its first line."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        mark = separator_of(file.readline(1 << 16))
        file.seek(0)
        yield csv.reader(file, delimiter=mark)


def split_of_file(name):
    """The split that the name of a file says, such as `instances_val2017.json`; None if it names none."""
    words = re.split(r"[^a-z]+", Path(name).stem.lower())
    return next((split for split in ("train", *EVALUATION) if split in words), None)


READERS = {"yolo": YoloFolder, "voc": VocFolder, "coco": CocoFile, "labelme": LabelmeFolder, "csv": BoxTable}
