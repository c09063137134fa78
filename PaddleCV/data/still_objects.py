"""The objects of still images as sequences of one frame, from which a tracker learns of more classes than of videos."""

import numpy as np

from common.data.issues import IssueList, data_error


class StillObjects:
    """Each object of a dataset of boxes, such as `CocoDetection` with masks, as a sequence of one frame.

    Its template and its region are of the same image, each with its own jitter.

    Args:
        images (Dataset): a dataset for detection; its crowds are left out.
        smallest (float): objects whose box is of less, sqrt(w h) in pixels, are left out.

    Raises:
        DataError: no object is left.
    """

    what = "object"
    padding = {"boxes": None, "present": None}

    def __init__(self, images, smallest=16.0):
        boxes, sizes = images.boxes, images.clipped[:, 2:] - images.clipped[:, :2]
        self.images, self.source, self.issues = images, images.source, images.issues
        self.codes = None if boxes.segment is None else images.outlines()
        self.rows = np.flatnonzero(~boxes.crowd & (sizes.min(1) > 0) & (sizes.prod(1) >= smallest**2))
        if not len(self.rows):
            issues = IssueList(images.source)
            issues.error("D117", f"no object is of {smallest:g} pixels or more", fix="set `smallest` to less")
            raise data_error(issues.errors)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        """A sequence of one frame, see :mod:`PaddleCV.data.object_sequences`."""
        row = int(self.rows[index])
        path = self.images.images[int(self.images.boxes.image[row])]["path"]
        x1, y1, x2, y2 = self.images.clipped[row].astype(np.float64)
        found = {
            "path": path,
            "name": str(row),
            "frames": [path],
            "boxes": np.array([[x1, y1, x2 - x1, y2 - y1]]),
            "present": np.ones(1, bool),
        }
        return found | ({} if self.codes is None or self.codes[row] is None else {"masks": [self.codes[row]]})

    def check(self, deep=False, cache=None):
        """The problems of the images and of their boxes (list[DataIssue])."""
        return self.images.check(deep, cache)

    def paths(self):
        """The image of each object."""
        return [self.images.images[int(self.images.boxes.image[row])]["path"] for row in self.rows]
