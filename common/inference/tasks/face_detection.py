"""Face detection: boxes with the landmarks of each face as records, and images with both drawn."""

import cv2
import numpy as np

from common.inference.drawing import color_of
from common.inference.labels import label_of
from common.inference.tasks.detection import Detection, select_boxes


class FaceDetection(Detection):
    """Face detection: the boxes of each image with score and landmarks.

    Args:
        threshold (float | None): boxes that score less are left out; None as of :class:`Detection`.
        landmarks (list[str]): their names; one beyond them is named by its number.
    """

    columns = Detection.columns | {"keypoints": "keypoints"}

    def __init__(self, threshold=None, landmarks=()):
        super().__init__(threshold)
        self.landmarks = [str(name) for name in landmarks]

    def records(self, outputs, samples, labels, threshold):
        """The boxes of each image that score enough, with their landmarks, the best first.

        Args:
            outputs (dict[str, ndarray]): as :meth:`Detection.records`, and `landmarks` float [R, K, 2], x and y in
                pixels of the original images.
            samples (list[dict]): not used.
            labels (list[str]): class names.
            threshold (float): boxes that score less are left out.

        Returns:
            list[list[dict]]: those of :meth:`Detection.records` with `keypoints`, for each landmark a dict of `name`,
                `x`, `y`, `score`; the score is that of the box.
        """
        _, chosen = select_boxes(outputs, threshold)
        found = super().records(outputs, samples, labels, threshold)
        points = np.asarray(outputs["landmarks"], np.float64)
        for rows, records in zip(chosen, found, strict=True):
            for k, item in zip(rows, records, strict=True):
                item["keypoints"] = [
                    {"name": label_of(n, self.landmarks), "x": round(x, 2), "y": round(y, 2), "score": item["score"]}
                    for n, (x, y) in enumerate(points[k].tolist())
                ]
        return found

    def draw(self, image, records):
        """A copy of the image with boxes, names, scores and landmarks.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        image = super().draw(image, records)
        radius = max(1, round(max(image.shape[:2]) / 200))
        for item in records:
            for point in item["keypoints"]:
                place = tuple(round(float(np.clip(point[axis], -1e4, 1e5))) for axis in "xy")
                cv2.circle(image, place, radius, color_of(item["category_id"] + 1), cv2.FILLED, cv2.LINE_AA)
        return image
