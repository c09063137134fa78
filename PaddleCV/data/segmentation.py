"""Semantic segmentation datasets: images with a class id for each pixel, in lists or in folders.

Shapes in this file:
    H x W pixels of an image, C classes. A mask has class ids 0 to C - 1, and 255 where a pixel is ignored.
"""

import os

import numpy as np

from common.data.issues import IssueList, cache_issues, settle
from common.data.refusals import bad_file
from common.data.samplers import aspect_groups
from common.errors import BadSample
from common.log import counted, logger
from common.vision.decode import check_mask_size, decode_ids, read_image_file
from common.vision.files import Listing, image_size

from .detection_check import check_files, check_images
from .imagenet_list import read_lines
from .instance_masks import find_names
from .labels import read_labels

IGNORED = 255
LARGEST = 65535  # of a pixel of 16 bits


class SegmentationDataset:
    """Images and masks; a child class finds them and calls :meth:`store` once.

    Attributes:
        labels (list[str]): class names in the order of their ids.
        issues (list[DataIssue]): the problems found while reading the lists.
    """

    padding = {}

    def store(self, images, labels, class_ids, ignored, others, root, issues, bad_samples):
        """Validates the images and stores them without those that may be skipped.

        Args:
            images (list[dict]): `path`, `mask_path`, `file_name`, and `file` and `place` where it is listed.
            labels (list[str] | str): class names, or a file with one per line.
            class_ids (list[int] | None): the value of each class in the masks; default 0 to C - 1.
            ignored (list[int]): values that belong to no class.
            others (str | None): the class of every value beyond these; None refuses them.
            root (str): the folder of the dataset.
            issues (IssueList): collects the problems.
            bad_samples (str): `error`, or `skip` to leave out a few images with errors.

        Raises:
            DataError: lists every error found.
            ValueError: an option has an invalid value.
        """
        self.labels = read_labels(labels, root)
        self._values = value_table(self.labels, class_ids, ignored, others)
        check_files(images, issues)
        check_masks_exist(images, issues)
        self.issues = settle(issues, bad_samples, len(images))
        stay = np.setdiff1d(np.arange(len(images)), issues.of_images).astype(np.int64)
        self.images = [images[i] | {"id": number} for number, i in enumerate(stay)]
        logger.info(
            "%s: %s, %s",
            self.source,
            counted(len(self.images), "image"),
            counted(self.num_classes, "class"),
        )

    @property
    def num_classes(self):
        """C, the number of labels."""
        return len(self.labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        """One sample without its pixels: `path`, `image_id`, `mask` uint8 [H, W]; raises BadSample."""
        image = self.images[index]
        return {"path": image["path"], "image_id": index, "mask": self.read_mask(image)}

    def read_mask(self, image):
        """The mask of an image, uint8 [H, W]; raises BadSample D109 for a value that is no class."""
        path = image["mask_path"]
        ids = decode_ids(read_image_file(path), path)
        mask = self._values[np.minimum(ids, LARGEST)]
        if (mask < 0).any():
            row, column = np.argwhere(mask < 0)[0]
            unknown = np.unique(ids[mask < 0])
            classes = np.flatnonzero((self._values >= 0) & (self._values < IGNORED))
            known = f"the {self.num_classes} classes have the values {ranges(classes)}"
            fix = f"{known}; list what is to be ignored in `ignored`, or the value of each class in `class_ids`"
            place = f"the first one in row {row}, column {column}"
            raise bad_file("D109", path, f"values that are no class: {ranges(unknown)}; {place}", fix)
        return mask.astype(np.uint8)

    def groups(self):
        """The aspect group of each image, 0 for portrait and 1 otherwise, so that batches need little padding."""
        sizes = [image_size(path) for path in self.paths()]
        sizes = [(height, width) if turned else (width, height) for width, height, turned in sizes]
        return aspect_groups(*zip(*sizes))

    def paths(self):
        """The image files, in the order of the dataset."""
        return [image["path"] for image in self.images]

    def check(self, deep=False, cache=None):
        """Validates the lists, images and masks.

        Args:
            deep (bool): whether to decode every image and mask; otherwise only the headers are read.
            cache (str | None): a folder that keeps the result until a file changes.

        Returns:
            list[DataIssue]: errors before warnings.
        """
        name = f"{type(self).__name__}_{'deep' if deep else 'fast'}"
        paths = [self.source, *self.paths(), *(image["mask_path"] for image in self.images)]
        found = cache_issues(cache, name, paths, lambda: self.check_pairs(deep))
        return sorted(self.issues + found, key=lambda issue: issue.severity != "error")

    def check_pairs(self, deep):
        """The issues of images and masks; with `deep` also classes that no mask has (D117)."""
        images = [{**image, "width": None, "height": None} for image in self.images]
        issues, counts = IssueList(self.source), np.zeros(IGNORED + 1, np.int64)
        issues.errors += check_images(images, deep, self.source)
        for image in self.images:
            try:
                width, height, turned = image_size(image["path"])
                width, height = (height, width) if turned else (width, height)
                if deep:
                    mask = self.read_mask(image)
                    check_mask_size(mask, image["mask_path"], height, width)
                    counts += np.bincount(mask.ravel(), minlength=len(counts))
                else:
                    columns, rows, turned = image_size(image["mask_path"])
                    shape = (columns, rows) if turned else (rows, columns)
                    check_mask_size(np.broadcast_to(0, shape), image["mask_path"], height, width)
            except BadSample as error:
                if error.issue not in issues.errors:
                    issues.errors.append(error.issue)
        absent = [name for name, count in zip(self.labels, counts) if not count]
        if deep and absent:
            message = f"no mask has a pixel of {len(absent)} of {self.num_classes} classes"
            issues.warn("D117", message, value=", ".join(absent[:12]))
        return issues.all()


class SegmentationList(SegmentationDataset):
    """The images of a list file: the path of an image, a separator, the path of its mask.

    Args:
        root (str): the folder that all paths are relative to.
        list_file (str): the list.
        labels (list[str] | str): class names in order, or a file with one per line.
        class_ids (list[int] | None): the value of each class in the masks; default 0 to C - 1.
        ignored (list[int]): values that belong to no class.
        others (str | None): the class of every value beyond these, such as the numbers of instances; None refuses them.
        separator (str | None): between the paths; default a tab, else blanks.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/segmentation",
        list_file="train.txt",
        labels="labels.txt",
        class_ids=None,
        ignored=(IGNORED,),
        others=None,
        separator=None,
        bad_samples="error",
    ):
        self.source = os.path.join(root, list_file)
        issues, images, lines = IssueList(self.source), [], {}
        for number, line in enumerate(read_lines(self.source, issues), 1):
            place = f"line {number}"
            if not line.strip():
                continue
            fields = [field.strip() for field in line.strip().split(separator or ("\t" if "\t" in line else None))]
            if len(fields) != 2 or not all(fields):
                fix = "a line is the path of an image and that of its mask; `separator` is what stands between them"
                issues.error("D118", f"has {len(fields)} fields", place, line[:80], fix, image=len(images))
                images.append({"path": "", "mask_path": "", "file_name": "", "file": self.source, "place": place})
                continue
            if lines.setdefault(fields[0], place) != place:
                issues.warn("D115", "image file is listed twice", place, fields[0])
            image, mask = (field.replace("\\", "/") for field in fields)
            paths = {"path": os.path.join(root, image), "mask_path": os.path.join(root, mask), "file_name": image}
            images.append(paths | {"file": self.source, "place": place})
        self.store(images, labels, class_ids, ignored, others, root, issues, bad_samples)


class SegmentationFolder(SegmentationDataset):
    """A folder of images and one of masks of the same names, such as those of PASCAL VOC and Cityscapes.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        images (str): the folder of the images.
        masks (str): the folder of the PNGs; `images/a/1.jpg` has `masks/a/1.png`.
        list_file (str | None): a list of images, on each line a path relative to `images`, with or without suffix.
        labels (list[str] | str): class names in order, or a file with one per line.
        class_ids (list[int] | None): the value of each class in the masks; default 0 to C - 1.
        ignored (list[int]): values that belong to no class.
        others (str | None): the class of every value beyond these, such as the numbers of instances; None refuses them.
        suffixes (list[str]): ending of the images and of the masks without the type, such as _leftImg8bit and
            _gtFine_labelTrainIds.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
    """

    def __init__(
        self,
        root="dataset/segmentation",
        images="images",
        masks="masks",
        list_file=None,
        labels="labels.txt",
        class_ids=None,
        ignored=(IGNORED,),
        others=None,
        suffixes=("", ""),
        bad_samples="error",
    ):
        folder = os.path.join(root, images)
        self.source = os.path.join(root, list_file) if list_file else folder
        issues, listing, found = IssueList(self.source), Listing(), []
        for name in find_names(folder, self.source if list_file else None, issues):
            path = os.path.join(folder, name)
            if list_file and path not in listing:
                path = listing.same_stem(f"{path}.any") or path  # an id, as in VOC
            stem = os.path.splitext(os.path.relpath(path, folder))[0]
            mask = os.path.join(root, masks, stem.removesuffix(suffixes[0]) + suffixes[1] + ".png")
            file_name = os.path.relpath(path, folder)
            found.append({"path": path, "mask_path": mask, "file_name": file_name, "file": self.source, "place": name})
        self.store(found, labels, class_ids, ignored, others, root, issues, bad_samples)


def value_table(labels, class_ids, ignored, others=None):
    """The class id of each value of a mask, int32 [LARGEST + 1]; 255 where it is ignored, -1 where it is no class."""
    if not labels or len(labels) > IGNORED:
        raise ValueError(f"there are {len(labels or ())} labels; 1 to {IGNORED} are possible")
    class_ids = list(range(len(labels))) if class_ids is None else list(class_ids)
    if len(class_ids) != len(labels):
        raise ValueError(f"class_ids has {len(class_ids)} values for {len(labels)} labels")
    both = [*class_ids, *ignored]
    if len(set(both)) < len(both) or min(both) < 0 or max(both) > LARGEST:
        raise ValueError(f"class_ids and ignored must be different values from 0 to {LARGEST}, not {both}")
    if others is not None and others not in labels:
        raise ValueError(f"others is {others!r}, which is not among the labels {', '.join(labels)}")
    table = np.full(LARGEST + 1, -1 if others is None else labels.index(others), np.int32)
    table[list(ignored)] = IGNORED
    table[class_ids] = np.arange(len(labels))
    return table


def check_masks_exist(images, issues):
    """Checks that every mask exists (D104); suggests the nearest name."""
    listing = Listing()
    for i, image in enumerate(images):
        if i not in issues.of_images and image["mask_path"] not in listing:
            near = listing.nearest(image["mask_path"])
            fix = f"did you mean {near!r}?" if near else "set `root`, and `masks` and `suffixes` if there are any"
            message = f"mask is missing: {image['mask_path']}"
            issues.error("D104", message, image["place"], "", fix, image["file"], i)


def ranges(values):
    """Ascending numbers in one text, `0 to 10, 255` (str)."""
    values = np.asarray(values)
    parts = np.split(values, np.flatnonzero(np.diff(values) > 1) + 1)
    texts = [str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts if len(part)]
    return ", ".join(texts[:8]) + (", ..." if len(texts) > 8 else "")
