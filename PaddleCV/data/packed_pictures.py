"""Pictures that lie in one array, as small data sets are published.

Shapes in this file:
    I images of H x W pixels.
"""

import hashlib

import numpy as np

from common.data.issues import data_error

from .classification import ClassificationDataset, repeated_pictures


class PackedPictures(ClassificationDataset):
    """A classification set held in memory; the child class reads it, and calls :meth:`settle_packed` once."""

    def settle_packed(self, pictures, targets, labels, issues, bad_samples, part=""):
        """Checks and keeps pictures uint8 [I, H, W] or [I, H, W, 3] and classes [I].

        Args:
            pictures (ndarray): see above.
            targets (ndarray): whole numbers.
            labels (list[str] | None): class names; None for the numbers found.
            issues (IssueList): gets what is found.
            bad_samples (str): `error` or `skip`.
            part (str): tells the pictures of several splits of one file apart.

        Raises:
            DataError: D113 when there are more or fewer classes than pictures, D109 with a class that is unknown.
        """
        if len(pictures) != len(targets):
            issues.error("D113", f"holds {len(pictures)} pictures, but there are {len(targets)} classes")
            raise data_error(issues.errors)
        targets = targets.astype(np.int64)
        self.labels = [str(i) for i in range(int(targets.max(initial=-1)) + 1)] if labels is None else labels
        for i in np.flatnonzero((targets < 0) | (targets >= len(self.labels))):
            message = f"class {targets[i]} is unknown: there are {len(self.labels)} labels"
            issues.error("D109", message, f"picture {i}", image=int(i))
        images = [{"path": f"{self.source}{part}#{i}", "index": i, "file": self.source} for i in range(len(pictures))]
        self.pictures = pictures
        self.settle(images, targets, issues, bad_samples)

    def picture(self, index):
        """One picture, RGB uint8 [H, W, 3]."""
        picture = self.pictures[self.images[index]["index"]]
        return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture

    def image_of(self, path):
        """The picture of a sample's `path`."""
        return self.picture(self.paths().index(path))

    def __getitem__(self, index):
        """One picture: `path` (the file and its number), `image` uint8 [H, W, 3], `label`."""
        return {"path": self.images[index]["path"], "image": self.picture(index), "label": self.target(index)}

    def digests(self):
        """A digest of each picture."""
        return [hashlib.blake2b(self.picture(i).tobytes(), digest_size=16).digest() for i in range(len(self))]

    def check(self, deep=False, cache=None):
        """Everything that is wrong with the file; deep also looks for pictures that are there twice."""
        return self.issues + (repeated_pictures(self) if deep else [])
