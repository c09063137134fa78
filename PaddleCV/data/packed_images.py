"""The base class of small datasets whose images are published as one array.

Shapes in this file:
    I images of H x W pixels.
"""

import hashlib

import numpy as np

from common.data.issues import data_error

from .classification import ClassificationDataset, find_duplicates


class PackedImages(ClassificationDataset):
    """A classification dataset in memory; a child class reads it and calls :meth:`store_packed` once."""

    def store_packed(self, pixels, targets, labels, issues, bad_samples, part=""):
        """Validates and stores images uint8 [I, H, W] or [I, H, W, 3] and class ids [I].

        Args:
            pixels (ndarray): the images.
            targets (ndarray): the class ids.
            labels (list[str] | None): class names; None for the ids that occur.
            issues (IssueList): collects the problems.
            bad_samples (str): `error` or `skip`.
            part (str): distinguishes the paths of several splits of one file.

        Raises:
            DataError: D113 if the numbers of images and classes differ, D109 for an unknown class.
        """
        if len(pixels) != len(targets):
            issues.error("D113", f"holds {len(pixels)} images, but there are {len(targets)} classes")
            raise data_error(issues.errors)
        targets = targets.astype(np.int64)
        self.labels = [str(i) for i in range(int(targets.max(initial=-1)) + 1)] if labels is None else labels
        for i in np.flatnonzero((targets < 0) | (targets >= len(self.labels))):
            message = f"class {targets[i]} is unknown: there are {len(self.labels)} labels"
            issues.error("D109", message, f"image {i}", image=int(i))
        images = [{"path": f"{self.source}{part}#{i}", "index": i, "file": self.source} for i in range(len(pixels))]
        self.pixels = pixels
        self.store(images, targets, issues, bad_samples)

    def image(self, index):
        """One image, RGB uint8 [H, W, 3]."""
        image = self.pixels[self.images[index]["index"]]
        return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image

    def image_of(self, path):
        """The image of a sample's `path`, uint8 [H, W, 3]."""
        return self.image(self.paths().index(path))

    def __getitem__(self, index):
        """One sample: `path` (the file and the index), `image` uint8 [H, W, 3], `label`."""
        return {"path": self.images[index]["path"], "image": self.image(index), "label": self.target(index)}

    def digests(self):
        """A hash of each image (list of bytes)."""
        return [hashlib.blake2b(self.image(i).tobytes(), digest_size=16).digest() for i in range(len(self))]

    def check(self, deep=False, cache=None):
        """The issues of the file; `deep` also finds duplicate images."""
        return self.issues + (find_duplicates(self) if deep else [])
