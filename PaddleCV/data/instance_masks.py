"""Datasets of instance masks: an image, and a PNG of its size whose pixel values are the numbers of its objects."""

import os

import numpy as np

from common.data.issues import IssueList, data_error
from common.errors import BadSample
from common.vision.decode import decode_ids, read_image_file
from common.vision.files import Listing, describe_left_out
from common.vision.instance_masks import encode_mask

from .detection import Boxes, DetectionDataset
from .image_folder import images_in
from .imagenet_list import read_lines
from .labels import read_labels


class InstanceMaskDetection(DetectionDataset):
    """Images and the PNGs of their objects, whose boxes are those around the masks.

    A pixel's value is 0 for the background, else the number of its object; an image may number its objects in any way.
    With several classes it is `class id * unit + number`, as in Cityscapes (`unit: 1000`), and a value below `unit` the
    class id of objects that are not separated: a crowd, which metrics ignore and training leaves out.

    Args:
        root (str): the folder of the dataset; the other paths are relative to it.
        images (str): the folder of the images.
        instances (str): the folder of the PNGs; `images/a/1.jpg` has `instances/a/1.png`.
        list_file (str | None): a list of images, a path relative to `images` on each line; default all in the folder.
        labels (list[str] | str): class names, or a file with one per line.
        class_ids (list[int] | None): the id of each class with several classes; others are background.
        unit (int | None): numbers of each class, with several classes.
        suffixes (list[str]): ending of the images and of the PNGs without the type, such as _leftImg8bit and
            _gtFine_instanceIds.
        with_empty (bool): whether to keep images without objects, as background.
        bad_samples (str): `error`, or `skip` to leave out a few images with errors.

    Raises:
        DataError: lists every error found, each with a code of `common.data.issues`.
        ValueError: an option has an invalid value.
    """

    def __init__(
        self,
        root="dataset/instances",
        images="images",
        instances="instances",
        list_file=None,
        labels=("object",),
        class_ids=None,
        unit=None,
        suffixes=("", ""),
        with_empty=True,
        bad_samples="error",
    ):
        self.labels = read_labels(labels, root)
        if (class_ids is None) != (unit is None) or (class_ids is None and len(self.labels) > 1):
            raise ValueError("several classes need `class_ids`, the id of each, and `unit`, the numbers of each class")
        if class_ids is not None and len(class_ids) != len(self.labels):
            raise ValueError(f"class_ids has {len(class_ids)} ids for {len(self.labels)} labels")
        self.category_ids = list(class_ids) if class_ids is not None else [1]
        self.unit = unit
        self.source = os.path.join(root, list_file) if list_file else os.path.join(root, images)
        issues = IssueList(self.source)
        names = find_names(os.path.join(root, images), self.source if list_file else None, issues)
        listed, rows = self._read_all(
            names, os.path.join(root, images), os.path.join(root, instances), suffixes, issues
        )
        columns = list(zip(*rows)) or [()] * 6
        boxes = Boxes(
            image=np.array(columns[0], np.int64),
            box=np.array(columns[1], np.float64).reshape(-1, 4),
            label=np.array(columns[2], np.int64),
            crowd=np.array(columns[3], bool),
            difficult=np.zeros(len(rows), bool),
            area=np.array(columns[4], np.float64),
            position=np.array(columns[5], np.int64),
            segment=np.array(columns[5], object),
        )

        def place(k):
            return listed[boxes.image[k]]["instances"], f"object {boxes.position[k]}"

        self.store(listed, boxes, place, issues, with_empty, "error", bad_samples)

    def _read_all(self, names, folder, instances, suffixes, issues):
        """The images, and a row of each object: image, box, label, crowd, area, value."""
        listed, rows, listing = [], [], Listing()
        for i, name in enumerate(names):
            stem = os.path.splitext(name)[0]
            path = os.path.join(instances, stem.removesuffix(suffixes[0]) + suffixes[1] + ".png")
            image = {"id": i, "file_name": name, "path": os.path.join(folder, name), "width": 0, "height": 0}
            listed.append({**image, "instances": path, "file": path, "place": "", "unread": True})
            if path not in listing:
                near = listing.nearest(path)
                fix = (
                    f"did you mean {near!r}?" if near else "set `instances` and `suffixes`; no object is a PNG of zeros"
                )
                issues.error("D104", f"{name} has no mask", value=path, fix=fix, image=i)
                continue
            try:
                values = decode_ids(read_image_file(path), path)
            except BadSample as error:
                issues.error(error.issue.code, error.issue.message, file=path, fix=error.issue.fix, image=i)
                continue
            listed[-1]["height"], listed[-1]["width"] = values.shape  # compared with the image by the check of files
            rows += [(i, *row) for row in self._objects(values)]
        return listed, rows

    def _objects(self, values):
        """Box, label, crowd, area and value of each object in an array of values [H, W]."""
        from scipy import ndimage  # a quarter of a second, for this dataset alone

        present, numbered = np.unique(values, return_inverse=True)
        numbered = numbered.reshape(values.shape)
        areas, rows = np.bincount(numbered.ravel()), []
        if self.unit is None:
            label_of = {int(value): 0 for value in present if value}
        else:
            number = {category: k for k, category in enumerate(self.category_ids)}
            classes = {int(value): int(value if value < self.unit else value // self.unit) for value in present}
            label_of = {value: number[category] for value, category in classes.items() if category in number}
        slices = ndimage.find_objects(numbered + 1)
        for k, value in enumerate(present.tolist()):
            if value in label_of:
                down, across = slices[k]
                box = (across.start, down.start, across.stop, down.stop)
                rows.append((box, label_of[value], self.unit is not None and value < self.unit, areas[k], value))
        return rows

    def draw_masks(self, index, rows):
        """The masks of boxes of an image, uint8 [n, H, W], read from its PNG."""
        path = self.images[index]["instances"]
        values = decode_ids(read_image_file(path), path)
        wanted = self.boxes.segment[rows].astype(np.int64)
        return (values[None] == wanted[:, None, None]).astype(np.uint8)

    def outlines(self):
        """The run-length code of the mask of each box, in the order of the boxes."""
        codes = []
        for index in range(len(self.images)):
            rows = np.arange(self.starts[index], self.starts[index + 1])
            if len(rows):
                codes += [encode_mask(mask) for mask in self.draw_masks(index, rows)]
        return codes


def find_names(folder, list_file, issues):
    """The paths of the images relative to their folder, in the order of the list or sorted; raises DataError."""
    if list_file:
        names = [line.strip().replace("\\", "/") for line in read_lines(list_file, issues)]
        return list(dict.fromkeys(name for name in names if name))
    if not os.path.isdir(folder):
        issues.error("D104", "there is no such folder", value=folder, fix="set `root` and `images`")
        raise data_error(issues.errors)
    others = []
    found = [os.path.relpath(path, folder) for path in images_in(folder, others)]
    if text := describe_left_out(others):
        issues.warn("D151", f"{text}: files that are no images by their suffix", file=folder)
    return found
