"""Masks of a tracked object: those of annotations, and the rotated rectangle around that of a prediction.

A mask of annotations is a run-length code, `{"size": [H, W], "counts": str}`, or a file: `path`, a PNG, in which the
object has the pixels of `value`, or all but those of 0 where there is no `value`.
"""

import numpy as np

from common.vision.decode import decode_ids, read_image_file
from common.vision.instance_masks import decode_masks


def read_track_mask(mask):
    """The pixels of an object, uint8 [H, W] of 0 and 1; raises BadSample for a file that is no mask.

    Args:
        mask (dict): see the head of this file.
    """
    if "counts" in mask:
        return decode_masks([mask], *mask["size"])[0]
    ids = decode_ids(read_image_file(mask["path"]), mask["path"])
    return (ids == mask["value"] if "value" in mask else ids > 0).astype(np.uint8)


def box_of_mask(mask):
    """The box x, y, w, h around the pixels of a mask [H, W], float64 [4]; None where it has none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    x, y = columns[0], rows[0]
    return np.array([x, y, columns[-1] + 1 - x, rows[-1] + 1 - y], np.float64)


def rectangle_of(mask):
    """The corners of the smallest rectangle around the largest part of a mask, rotated or not: float64 [4, 2], or None.

    Pixel i covers i to i + 1.  The first corner has the smallest x + y, the others follow clockwise.

    Args:
        mask (ndarray): bool [H, W].
    """
    import cv2

    outlines, _ = cv2.findContours(np.ascontiguousarray(mask, np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    largest = max(outlines, key=area_of_outline).reshape(-1, 2)
    points = np.concatenate([largest + shift for shift in ((0, 0), (1, 0), (0, 1), (1, 1))])
    corners = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))).astype(np.float64)
    return np.roll(corners, -int(corners.sum(1).argmin()), 0)


def area_of_outline(outline):
    """The area inside of an outline, and its length where it has none (tuple)."""
    import cv2

    return cv2.contourArea(outline), len(outline)
