"""Base of the readers of objects in sequences of frames; the sample is described in `object_sequences`."""

import numpy as np

from common.data.issues import IssueList
from common.errors import BadSample
from common.vision.decode import decode_image, read_image_file
from common.vision.files import read_image_header

LARGEST = 1e5  # pixels that a coordinate of a box may have


class TrackedObjects:
    """Sequences that are known when the reader is made: `found` (list[dict]), `source` and `issues`."""

    what = "object"
    padding = {"boxes": None, "present": None}  # of every sequence its own number of frames

    def __len__(self):
        return len(self.found)

    def __getitem__(self, index):
        """One sequence, see :mod:`PaddleCV.data.object_sequences`."""
        return dict(self.found[index])

    def paths(self):
        """The place that each sequence is from (list[str])."""
        return [one["path"] for one in self.found]

    def check(self, deep=False, cache=None):
        """The problems of the frames, and boxes of visible objects that lie outside of their frame (list[DataIssue]).

        Args:
            deep (bool): frames are decoded; otherwise only their headers are read.
            cache (str | None): not used.
        """
        issues, read = IssueList(self.source), {}
        for one in self.found:
            sizes = [read_size(path, deep, issues, read) for path in one["frames"]]
            warn_outside(one, sizes, issues)
        return sorted(self.issues + issues.all(), key=lambda issue: issue.severity != "error")


def read_size(path, deep, issues, read):
    """(width, height) of a frame, NaN where it cannot be read, which is added to `issues`.

    Args:
        path (str): of the frame.
        deep (bool): the frame is decoded.
        issues (IssueList): added to.
        read (dict[str, tuple]): the frames that were read before, which several objects share.
    """
    if path not in read:
        try:
            if deep:
                height, width = decode_image(read_image_file(path), path).shape[:2]
            else:
                width, height, orientation = read_image_header(path)
                width, height = (height, width) if orientation >= 5 else (width, height)
            read[path] = float(width), float(height)
        except BadSample as error:
            issues.errors.append(error.issue)
            read[path] = np.nan, np.nan
    return read[path]


def warn_outside(sequence, sizes, issues):
    """Warns of boxes that share nothing with their frames, although their object is not hidden.

    Args:
        sequence (dict): see :mod:`PaddleCV.data.object_sequences`.
        sizes (list[tuple]): width and height of each frame.
        issues (IssueList): added to.
    """
    boxes = np.asarray(sequence["boxes"], np.float64)
    with np.errstate(invalid="ignore"):  # a box that is not read yet is NaN, and no comparison holds
        outside = (boxes[:, :2] >= np.array(sizes)).any(1) | (boxes[:, :2] + boxes[:, 2:] <= 0).any(1)
    bad = np.flatnonzero(outside & sequence["present"])
    if len(bad):
        box = ", ".join(f"{value:g}" for value in boxes[bad[0]])
        many = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
        message = f"the box [{box}] lies outside of its frame{many}"
        fix = "give x, y, width and height in pixels of the frame, or mark the object as hidden there"
        issues.warn("D113", message, fix=fix, file=sequence["frames"][bad[0]])
