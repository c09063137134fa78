"""The base class of the detection datasets: validated boxes in flat arrays, samples, annotations for the metrics.

Shapes in this file:
    I images, B boxes of all images, n boxes of one image.  Boxes are (x1, y1, x2, y2) in pixels of the upright image.
"""

import dataclasses
import json
import os
from pathlib import Path

import numpy as np

from common.data.issues import cache_issues, settle
from common.data.samplers import aspect_groups
from common.errors import ConfigError, DataError
from common.log import counted, logger
from common.vision.instance_masks import decode_masks

from .detection_check import check_boxes, check_files, check_images, fill_sizes


@dataclasses.dataclass
class Boxes:
    """The boxes of a whole dataset; every array has B rows.

    Args:
        image (ndarray): int64, index of the image.
        box (ndarray): float64 [B, 4], as annotated.
        label (ndarray): int64, index into the labels.
        crowd (ndarray): bool, the box encloses a group of objects and is not used in training.
        difficult (ndarray): bool.
        area (ndarray): float64, of the mask of the object if known, else of the box.
        position (ndarray): int64, index in the annotation file.
        segment (ndarray): object, the mask as its format has it; None without one.
    """

    image: np.ndarray
    box: np.ndarray
    label: np.ndarray
    crowd: np.ndarray
    difficult: np.ndarray
    area: np.ndarray
    position: np.ndarray
    segment: np.ndarray | None = None

    def select(self, chosen):
        """The boxes selected by a mask or an index array."""
        columns = (getattr(self, field.name) for field in dataclasses.fields(self))
        return Boxes(*(None if column is None else column[chosen] for column in columns))


class DetectionDataset:
    """Images with boxes; a child class reads them and calls :meth:`store` once.

    Attributes:
        labels (list[str]): class names in the order of their ids.
        num_classes (int): C.
        category_ids (list[int]): the id of each class in the annotation file.
        ids (list[int]): the id of each image, in the order of the dataset.
        issues (list[DataIssue]): the problems found while reading the annotations.
    """

    padding = {"boxes": 0, "labels": -1, "scores": 0, "difficult": False, "crowd": False, "masks": 0}

    def store(self, images, boxes, place, issues, with_empty, bad_boxes, bad_samples):
        """Validates images and boxes and stores them without those that may be skipped or dropped.

        Args:
            images (list[dict]): `id`, `file_name`, `path`, `width`, `height` (0 if unknown), `file` (that lists it).
            boxes (Boxes): in any order.
            place (Callable): index of a box -> (file, place), for a message.
            issues (IssueList): collects the problems.
            with_empty (bool): whether to keep images without boxes.
            bad_boxes (str): `error`, or `drop` for boxes without area or outside their image.
            bad_samples (str): `error`, or `skip` to leave out a few images with errors.

        Raises:
            DataError: lists every error found.
            ValueError: an option has an invalid value.
        """
        if bad_boxes not in ("error", "drop"):
            raise ValueError(f"bad_boxes is {bad_boxes!r}; it must be error or drop")
        check_files(images, issues)
        fill_sizes(images, issues)
        self.read_masks(images, boxes, place, issues)
        boxes, clipped = check_boxes(images, boxes, place, issues, bad_boxes)
        self.examine(images, boxes, issues)
        if images and not len(boxes.label) and not issues.errors:
            issues.error("D117", f"none of the {len(images)} images has a box", fix="check that this is the right file")
        self.boxes = boxes
        unused = np.flatnonzero(~self._for_training(np.arange(len(boxes.label))))
        if len(unused) and len(unused) == len(boxes.label) and not issues.errors:
            reason = f"{int(boxes.crowd.sum())} are crowds (iscrowd 1)" if boxes.crowd.any() else "all are difficult"
            fix = "set iscrowd to 0 for single objects" if boxes.crowd.any() else "set with_difficult: true"
            issues.error("D117", f"none of the {len(unused)} boxes can be trained on: {reason}", fix=fix)
        elif len(unused) * 2 > len(boxes.label):
            message = f"{len(unused)} of {len(boxes.label)} boxes are crowds or difficult, and are not trained on"
            issues.warn("D117", message)
        self.issues = settle(issues, bad_samples, len(images))
        self._keep(images, boxes, clipped, set(issues.of_images), with_empty)
        logger.info(
            "%s: %s (%d without boxes), %s, %s%s",
            *(self.source, counted(len(self.images), "image"), int((np.diff(self.starts) == 0).sum())),
            *(counted(len(self.boxes.label), "box"), counted(self.num_classes, "class"), self._left_out()),
        )

    def _left_out(self):
        """The numbers of boxes and images that the samples leave out, for the line of the log; empty without any."""
        counts = {
            "crowd box": self.boxes.crowd.sum(),
            "difficult box": (~self._for_training(np.arange(len(self.boxes.label))) & self.boxes.difficult).sum(),
        }
        text = ", ".join(counted(count, what) for what, count in counts.items() if count)
        return f"; not trained on: {text}" if text else ""

    def read_masks(self, images, boxes, place, issues):
        """Fills in `boxes.segment` in formats with masks, once image sizes are known; records problems in `issues`."""

    def draw_masks(self, index, rows):
        """The masks of boxes of an image, uint8 [n, H, W]."""
        height, width = (self.images[index][side] for side in ("height", "width"))
        return decode_masks(self.boxes.segment[rows], height, width)

    def examine(self, images, boxes, issues):
        """Looks for problems of one format in the valid boxes; records them in `issues`."""

    def _keep(self, images, boxes, clipped, skipped, with_empty):
        """Stores the remaining images and their boxes, sorted by image."""
        counts = np.bincount(boxes.image, minlength=len(images))
        stay = [i for i in range(len(images)) if i not in skipped and (with_empty or counts[i])]
        new_index = np.full(len(images), -1, np.int64)
        new_index[stay] = np.arange(len(stay))
        boxes.image = new_index[boxes.image]
        order = np.argsort(boxes.image, kind="stable")
        order = order[boxes.image[order] >= 0]
        self.images = [images[i] for i in stay]
        self.ids = [image["id"] for image in self.images]
        self.boxes, self.clipped = boxes.select(order), clipped[order].astype(np.float32)
        self.starts = np.searchsorted(self.boxes.image, np.arange(len(stay) + 1))

    def keep_part(self, part):
        """Keeps the images from `part[0]` on, before `part[1]`, such as those of a validation split in the same file.

        Raises:
            ValueError: the numbers are not a part of the images.
        """
        numbers = list(part)
        if len(numbers) != 2 or not all(isinstance(n, int) for n in numbers) or not numbers[0] < numbers[1]:
            raise ValueError(f"part is {part}; it is [first, end], two whole numbers of which the second is larger")
        first, end = numbers
        if first < 0 or end > len(self.images):
            raise ValueError(
                f"part is {numbers}, but {self.source} has {len(self.images)} images: [0, {len(self.images)}]"
            )
        rows = np.arange(self.starts[first], self.starts[end])
        self.images, self.ids = self.images[first:end], self.ids[first:end]
        self.boxes, self.clipped = self.boxes.select(rows), self.clipped[rows]
        self.boxes.image = self.boxes.image - first
        self.starts = self.starts[first : end + 1] - self.starts[first]
        logger.info("%s: images %d to %d", self.source, first, end - 1)

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """One sample without its pixels and without crowd boxes.

        Returns:
            dict: `path`, `image_id`, `boxes` float32 [n, 4], `labels` int64 [n], `scores` float32 [n] of ones,
            `difficult` bool [n], `crowd` bool [n] (all False); and, of formats with masks, `masks` uint8 [n, H, W].
        """
        rows = np.arange(self.starts[index], self.starts[index + 1])
        rows = rows[self._for_training(rows)]
        masks = {} if self.boxes.segment is None else {"masks": self.draw_masks(index, rows)}
        return masks | {
            "path": self.images[index]["path"],
            "image_id": self.ids[index],
            "boxes": self.clipped[rows],
            "labels": self.boxes.label[rows],
            "scores": np.ones(len(rows), np.float32),
            "difficult": self.boxes.difficult[rows],
            "crowd": self.boxes.crowd[rows],
        }

    def _for_training(self, rows):
        """The mask of the boxes that a sample includes, bool [n]."""
        return ~self.boxes.crowd[rows]

    def annotations(self):
        """All annotations, also crowd and difficult boxes, in COCO format: `images`, `annotations`, `categories`."""
        found = []
        for k in range(len(self.boxes.label)):
            x1, y1, x2, y2 = self.boxes.box[k].tolist()
            found.append(
                {
                    "id": k + 1,
                    "image_id": self.ids[self.boxes.image[k]],
                    "category_id": self.category_ids[self.boxes.label[k]],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": float(self.boxes.area[k]),
                    "iscrowd": int(self.boxes.crowd[k]),
                    "difficult": int(self.boxes.difficult[k]),
                }
            )
        if self.boxes.segment is not None:
            for item, code in zip(found, self.outlines()):
                item["segmentation"] = code
        images = [{key: image[key] for key in ("id", "file_name", "width", "height")} for image in self.images]
        categories = [{"id": i, "name": name} for i, name in zip(self.category_ids, self.labels)]
        return {"images": images, "annotations": found, "categories": categories}

    def outlines(self):
        """The run-length code of the mask of each box, in the order of the boxes."""
        return self.boxes.segment.tolist()

    def groups(self):
        """The aspect group of each image, 0 for portrait and 1 otherwise, so that batches need little padding."""
        return aspect_groups(*([image[side] for image in self.images] for side in ("width", "height")))

    def image_classes(self):
        """The image and the class, int64 [P] each, of all pairs with a box to train on."""
        rows = np.flatnonzero(self._for_training(np.arange(len(self.boxes.label))))
        pairs = np.unique(np.stack([self.boxes.image[rows], self.boxes.label[rows]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def paths(self):
        """The image files, in the order of the dataset."""
        return [image["path"] for image in self.images]

    def write_fixed(self, path):
        """Writes the boxes after dropping and clipping as a new COCO JSON file.

        Args:
            path (str): a file other than the source.
        """
        content = self.annotations()
        for item, box in zip(content["annotations"], self.clipped.tolist()):
            before, item["bbox"] = item["bbox"], [box[0], box[1], box[2] - box[0], box[3] - box[1]]
            item["area"] = rescale_area(item["area"], before, item["bbox"])
        write_new(path, self.source, content)

    def check(self, deep=False, cache=None):
        """Validates the annotations and the image files.

        Args:
            deep (bool): whether to decode every image; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        paths = [self.source, *self.paths()]
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        found = cache_issues(cache, name, paths, lambda: check_images(self.images, deep, self.source))
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")


def write_new(path, source, content):
    """Writes a JSON file atomically; raises ConfigError instead of overwriting the source."""
    path = Path(path)
    if path.exists() and os.path.exists(source) and os.path.samefile(path, source):
        raise ConfigError(f"{path} is the source file; give the corrected copy another name")
    if not content["images"]:
        raise DataError(f"error[D117] {source}: no image would be left in {path}; nothing is written")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    text = json.dumps(content, ensure_ascii=False)
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")  # names that are not UTF-8
    temporary.replace(path)
    logger.info("written: %s", path)


def rescale_area(area, before, after):
    """The area of an object whose box (x, y, width, height) was clipped: that of the box, or of a mask inside it."""
    old, new = before[2] * before[3], after[2] * after[3]
    if area is None or area < 0 or (abs(old - new) > 1e-6 and abs(area - old) <= 0.01 * old):
        return new
    return min(area, new) if abs(old - new) > 1e-6 else area
