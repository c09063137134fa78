"""Semantic segmentation of objects that are outlined: COCO's polygons and run-length codes, labelme's shapes.

Shapes in this file:
    H x W pixels of an image, C classes. A mask has class ids 0 to C - 1, and 255 where a pixel is ignored.
"""

import numpy as np

from common.data.issues import IssueList

from .coco import CocoDetection
from .labelme import LabelmeDetection
from .labels import read_labels

IGNORED = 255


class ObjectMasks:
    """Masks drawn from the outlines of objects; a child class gives the objects to :meth:`store`.

    Attributes:
        labels (list[str]): class names in the order of their ids.
        issues (list[DataIssue]): the problems found while reading.
    """

    padding = {}
    by_size = False  # whether smaller objects are drawn over larger ones, not later ones over earlier ones

    def store(self, objects, labels, background, ignored):
        """Stores the objects and numbers the classes.

        Args:
            objects (DetectionDataset): with the outlines of its objects.
            labels (list[str] | None): class names in order; default the background, then those of the objects.
            background (str | None): the class of pixels outside all objects; None ignores them.
            ignored (list[str]): the classes of objects whose pixels are ignored.

        Raises:
            ValueError: the background is ignored too, or there are too many classes.
        """
        if background in ignored:
            raise ValueError(f"background {background!r} is in ignored; `background: null` ignores it")
        if labels is None:
            labels = [name for name in objects.labels if name not in ignored]
        known = [] if background is None or background in labels else [background]
        self.objects, self.labels = objects, [*known, *labels]
        if len(self.labels) > IGNORED:
            raise ValueError(f"there are {len(self.labels)} classes; at most {IGNORED} are possible")
        self.source, self.issues = objects.source, objects.issues
        self.outside = IGNORED if background is None else self.labels.index(background)
        self.ids = [IGNORED if name in ignored else self.labels.index(name) for name in objects.labels]

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    @property
    def images(self):
        """The images (list[dict])."""
        return self.objects.images

    def __len__(self):
        return len(self.objects)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, `image_id`, `mask` uint8 [H, W]."""
        return {"path": self.objects.images[index]["path"], "image_id": index, "mask": self.draw_mask(index)}

    def draw_mask(self, index):
        """The mask of an image, uint8 [H, W]."""
        image, boxes = self.objects.images[index], self.objects.boxes
        rows = np.arange(self.objects.starts[index], self.objects.starts[index + 1])
        parts, labels = self.objects.draw_masks(index, rows), boxes.label[rows]
        order = np.argsort(-parts.sum((1, 2), dtype=np.int64), kind="stable") if self.by_size else range(len(rows))
        mask = np.full((image["height"], image["width"]), self.outside, np.uint8)
        for k in order:
            mask[parts[k] > 0] = self.ids[labels[k]]
        return mask

    def groups(self):
        """The aspect group of each image, 0 for portrait and 1 otherwise, so that batches need little padding."""
        return self.objects.groups()

    def paths(self):
        """The image files, in the order of the dataset."""
        return self.objects.paths()

    def check(self, deep=False, cache=None):
        """Validates the annotations and the images; with `deep` also classes that no image shows (D117).

        Args:
            deep (bool): whether to decode every image and draw every mask; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        found = self.objects.check(deep, cache)
        if deep:
            counts = np.zeros(IGNORED + 1, np.int64)
            for index in range(len(self)):
                counts += np.bincount(self.draw_mask(index).ravel(), minlength=IGNORED + 1)
            absent, issues = [name for name, count in zip(self.labels, counts) if not count], IssueList(self.source)
            if absent:
                message = f"no mask has a pixel of {len(absent)} of {self.num_classes} classes"
                issues.warn("D117", message, value=", ".join(absent[:12]))
            found = [*found, *issues.all()]
        return found


class CocoSegmentation(ObjectMasks):
    """Images of a COCO JSON file with one class per pixel; smaller objects lie over larger ones.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the JSON file.
        images (str): the folder that the file names are relative to.
        labels (list[str] | str): class names in order, or a file with one per line; default the background, then all
            categories by their id.
        background (str | None): the class of pixels outside all objects; null ignores them.
        ignored (list[str]): categories whose pixels are ignored.
        bad_boxes (str): `error`, or `drop` for objects without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str): character encoding of the JSON file.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    by_size = True

    def __init__(
        self,
        root="dataset/coco",
        annotations="annotations/instances_train2017.json",
        images="train2017",
        labels=None,
        background="background",
        ignored=(),
        bad_boxes="error",
        bad_samples="error",
        encoding="utf-8",
    ):
        names = read_labels(labels, root)
        chosen = None if names is None else [*(name for name in names if name != background), *ignored]
        objects = CocoDetection(root, annotations, images, chosen, True, bad_boxes, bad_samples, encoding, True)
        self.store(objects, names, background, ignored)


class LabelmeSegmentation(ObjectMasks):
    """Images of labelme's JSON files with one class per pixel; later shapes lie over earlier ones.

    Polygons, rectangles, circles and masks are filled; lines and points are left out.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        annotations (str): the folder of the JSON files, subfolders included.
        list_file (str | None): a list of images or JSON files, one per line, with or without suffix, relative to
            `annotations`; default all JSON files of the folder.
        labels (list[str] | str): class names in order, or a file with one per line; default the background, then
            `labels.txt` in `root` if it exists, else the names found, sorted.
        background (str | None): the class of pixels outside all shapes; null ignores them.
        ignored (list[str]): labels of shapes whose pixels are ignored.
        bad_boxes (str): `error`, or `drop` for shapes without area or outside their image.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.
        encoding (str): character encoding of the JSON files.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/labelme",
        annotations="",
        list_file=None,
        labels=None,
        background="background",
        ignored=(),
        bad_boxes="error",
        bad_samples="error",
        encoding="utf-8",
    ):
        names = read_labels(labels, root)
        chosen = None if names is None else [*names, *ignored]
        objects = LabelmeDetection(
            *(root, annotations, list_file, chosen, True, True, bad_boxes, bad_samples, encoding, True)
        )
        self.store(objects, names, background, ignored)
