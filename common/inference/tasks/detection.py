"""Object detection: boxes as records, and images with the boxes drawn."""

import cv2
import numpy as np

from common.inference.drawing import color_of, draw_name
from common.inference.labels import label_of
from common.inference.task import Task, check_threshold


class Detection(Task):
    """Object detection: the boxes of each image with class and score.

    Args:
        threshold (float | None): boxes that score less are left out; None for the threshold of maximum F1 of the
            evaluation in training, or for 0.5 without one.
    """

    columns = {"label": "label", "score": "score", "box": ("x1", "y1", "x2", "y2"), "category_id": "category_id"}

    def __init__(self, threshold=None):
        self.threshold = check_threshold(threshold, 0.5)

    def records(self, outputs, samples, labels, threshold):
        """The boxes of each image that score enough, the best first.

        Args:
            outputs (dict[str, ndarray]): `boxes` [R, 6] rows (label, score, x1, y1, x2, y2) in pixels of the original
                images, one image after another; `num_boxes` [N].
            samples (list[dict]): not used.
            labels (list[str]): class names; a number beyond them is named by itself.
            threshold (float): boxes that score less are left out.

        Returns:
            list[list[dict]]: for each image `label`, `category_id` (the number of the class, its place in `labels`
                from 0; answers have the id in the COCO file of the training instead), `score`, `box` [x1, y1, x2, y2].
        """
        boxes, chosen = select_boxes(outputs, threshold)
        return [[record(row, labels) for row in boxes[rows].tolist()] for rows in chosen]

    def draw(self, image, records):
        """A copy of the image with boxes, names and scores, in sizes that suit the image's.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        image = np.ascontiguousarray(image).copy()
        side = max(image.shape[:2])
        thick = max(1, round(side / 400))
        size = max(11, round(side / 45))
        for item in reversed(records):  # the best last, on top
            color = color_of(item["category_id"])
            x1, y1, x2, y2 = (round(float(np.clip(value, -1e4, 1e5))) for value in item["box"])
            cv2.rectangle(image, (x1, y1), (x2, y2), color, thick, cv2.LINE_AA)
            draw_name(image, f"{item['label']}: {item['score']:.2f}", (x1, y1), color, size)
        return image


def select_boxes(outputs, threshold):
    """The boxes of a detector, and the ones of each image that score enough, the best first.

    Returns:
        tuple[ndarray, list[ndarray]]: float64 [R, 6], and for each image the indexes of its rows.
    """
    boxes = np.asarray(outputs["boxes"], np.float64)  # none at all may come in another shape
    boxes = boxes.reshape(-1, 6) if boxes.size and boxes.shape[-1] == 6 else np.zeros((0, 6))
    counts = np.asarray(outputs["num_boxes"], np.int64).reshape(-1)
    good = np.isfinite(boxes).all(1) & (boxes[:, 0] >= 0) & (boxes[:, 1] >= threshold)
    parts = np.split(np.arange(len(boxes)), np.cumsum(counts))[: len(counts)]
    return boxes, [rows[np.argsort(-boxes[rows, 1], kind="stable")] for rows in (part[good[part]] for part in parts)]


def record(row, labels):
    """One row (label, score, x1, y1, x2, y2) as a dictionary of plain numbers, rounded for reading."""
    number = int(row[0])
    return {
        "label": label_of(number, labels),
        "category_id": number,
        "score": round(row[1], 4),
        "box": [round(value, 2) for value in row[2:]],
    }
