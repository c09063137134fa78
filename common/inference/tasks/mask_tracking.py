"""Tracking of one object with its mask: besides its box, the rotated rectangle around it in each frame of a video."""

import numpy as np

from common.inference.task import check_threshold
from common.inference.tasks.object_tracking import ObjectTracking
from common.vision.track_masks import rectangle_of


class MaskTracking(ObjectTracking):
    """The box and the rotated rectangle of an object in every frame, with the score of the tracker.

    The rectangle is the smallest around the largest part of the mask; where the mask is empty, and in the first frame,
    it is the box.

    Args:
        threshold (float): frames in which the object scores less are left out.
        mask_threshold (float): least probability of the pixels of the mask.
        rotated (bool): False for a rectangle whose sides are those of the frame, around the rotated one.
    """

    columns = {
        "frame": "frame",
        "box": ("x1", "y1", "x2", "y2"),
        "polygon": ("ax", "ay", "bx", "by", "cx", "cy", "dx", "dy"),
        "score": "score",
    }

    def __init__(self, threshold=0.0, mask_threshold=0.3, rotated=True):
        super().__init__(threshold)
        self.mask_threshold, self.rotated = check_threshold(mask_threshold), rotated

    def shape_of(self, track):
        """The corners of the rectangle of the last frame, float64 [4, 2] in pixels, clockwise."""
        corners = None
        if track.outputs is not None:
            mask = track.outputs["mask"][0]
            corners = rectangle_of(mask >= self.mask_threshold)
        if corners is None:
            x, y, width, height = track.box
            return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
        middle = np.array(mask.shape[::-1]) / 2
        corners = track.to_frame(corners - middle + track.outputs["place"][0])
        return corners if self.rotated else upright(corners)

    def records(self, outputs, samples, labels, threshold):
        """The records of tracks, with `polygon` too, x and y of four corners (eight floats).

        Args:
            outputs (dict[str, object]): `boxes` [N, F, 4], `scores` [N, F], and `shapes`, a list of what `shape_of`
                gives for each track.
            samples (list[dict]): not used.
            labels (list[str] | None): not used.
            threshold (float): frames that score less are left out.
        """
        tracks = super().records(outputs, samples, labels, threshold)
        for records, shapes in zip(tracks, outputs["shapes"], strict=True):
            for record in records:
                corners = np.round(shapes[record["frame"]], 2).reshape(-1).tolist()
                record["polygon"] = corners
        return tracks

    def draw(self, image, records):
        """A frame (RGB uint8 [H, W, 3]) with the rectangles of records drawn on it."""
        import cv2

        drawn = np.ascontiguousarray(image).copy()
        for record in records:
            corners = np.array(record["polygon"]).reshape(-1, 1, 2)
            cv2.polylines(drawn, [corners.round().astype(np.int32)], True, (255, 0, 0), 2)
        return drawn


def upright(corners):
    """The corners of the rectangle around corners [4, 2] whose sides are those of the frame, clockwise."""
    (x1, y1), (x2, y2) = corners.min(0), corners.max(0)
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
