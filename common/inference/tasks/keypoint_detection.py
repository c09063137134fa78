"""Keypoints of people: the places of named joints as records, and images with skeletons drawn."""

import cv2
import numpy as np

from common.inference.boxes import check_inside
from common.inference.drawing import color_of
from common.inference.labels import label_of
from common.inference.task import Task, check_threshold
from common.inference.tasks.detection import Detection


class KeypointDetection(Task):
    """Top-down detection of keypoints: a person in each box, or one in the whole image without boxes.

    Args:
        threshold (float): people who score less are left out.
        point_threshold (float): keypoints that score less are not drawn, and do not count in the score of a person.
        skeleton (list[list[str]]): pairs of keypoints that are joined by a line.
        label (str): what a box holds.
    """

    columns = Detection.columns | {"keypoints": "keypoints"}

    def __init__(self, threshold=0.0, point_threshold=0.2, skeleton=(), label="person"):
        self.threshold = check_threshold(threshold, 0.0)
        self.point_threshold = check_threshold(point_threshold, 0.0)
        if any(len(pair) != 2 for pair in skeleton):
            raise ValueError("skeleton is a list of pairs of keypoints, such as [[left_hip, left_knee]]")
        self.skeleton, self.label = [list(map(str, pair)) for pair in skeleton], label

    def split(self, sample):
        """A sample for each box of an image that has `found` (list of dicts with `box` and `score`), else itself.

        Args:
            sample (dict): decoded, with `image`; `found_in` is the file of the boxes, if they come from one.

        Raises:
            BadSample: D113, a box lies outside of the image.
        """
        if "found" not in sample:
            return [sample]
        for item in sample["found"]:
            check_inside(item["box"], sample)
        rest = {key: value for key, value in sample.items() if key not in ("found", "found_in")}
        return [
            rest | {"boxes": np.array([item["box"]], np.float32), "box_score": item.get("score", 1.0)}
            for item in sample["found"]
        ]

    def records(self, outputs, samples, labels, threshold):
        """The person of each sample, if it scores enough.

        Args:
            outputs (dict[str, ndarray]): `keypoints` [N, K, 3], x and y in pixels of the original image and the score.
            samples (list[dict]): with `crop` [4] and, of a box, its `box_score`.
            labels (list[str]): names of the keypoints.
            threshold (float): people who score less are left out.

        Returns:
            list[list[dict]]: for each sample none or one of `label`, `category_id` 0, `score` (the mean of the
                keypoints that count, times the score of the box), `box` [x1, y1, x2, y2] of the crop, and `keypoints`,
                a dict of `name`, `x`, `y`, `score` for each.
        """
        points = np.asarray(outputs["keypoints"], np.float64)
        return [
            [item for item in [self.record(own, sample, labels)] if item["score"] >= threshold]
            for own, sample in zip(points, samples)
        ]

    def record(self, points, sample, labels):
        """The record of one person, numbers rounded for reading."""
        good = points[:, 2] >= self.point_threshold
        score = float(points[good, 2].mean()) if good.any() else 0.0
        return {
            "label": self.label,
            "category_id": 0,
            "score": round(score * float(sample.get("box_score", 1.0)), 4),
            "box": [round(float(value), 2) for value in np.asarray(sample["crop"], np.float64)],
            "keypoints": [
                {"name": label_of(k, labels), "x": round(x, 2), "y": round(y, 2), "score": round(value, 4)}
                for k, (x, y, value) in enumerate(points.tolist())
            ],
        }

    def draw(self, image, records):
        """A copy of the image with the keypoints and the lines between them, a color for each person.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        image = np.ascontiguousarray(image).copy()
        side = max(image.shape[:2])
        thick, radius = max(1, round(side / 200)), max(2, round(side / 120))
        for number, item in reversed(list(enumerate(records))):  # the first on top
            color = color_of(number)
            at = {
                point["name"]: tuple(round(float(np.clip(point[axis], -1e4, 1e5))) for axis in "xy")
                for point in item["keypoints"]
                if point["score"] >= self.point_threshold
            }
            for one, other in self.skeleton:
                if one in at and other in at:
                    cv2.line(image, at[one], at[other], color, thick, cv2.LINE_AA)
            for place in at.values():
                cv2.circle(image, place, radius, color, cv2.FILLED, cv2.LINE_AA)
        return image
