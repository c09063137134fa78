"""Detection in point clouds: boxes in space as records, drawn with the cloud.

Shapes in this file:
    N clouds, P boxes proposed in each.  Boxes are (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.
"""

import cv2
import numpy as np

from common.inference.drawing import color_of
from common.inference.labels import label_of
from common.inference.task import Task, check_threshold
from common.inference.tasks.point_classification import synthetic_points
from common.vision.boxes_3d import box_corners, suppress_rotated
from common.vision.point_drawing import draw_with_corners

EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]


class PointDetection(Task):
    """Detection in point clouds: a box in space, a class and a score for each object.

    Args:
        threshold (float): boxes that score less are left out.
        nms (float): a box that overlaps a better one by more, seen from above, is left out.
        candidates (int): the best boxes that are compared.
        keep (int): boxes of a cloud at most.
    """

    input = "points"
    columns = {
        "label": "label",
        "score": "score",
        "box": ("x", "y", "z", "h", "w", "l", "ry"),
        "category_id": "category_id",
    }

    def __init__(self, threshold=0.3, nms=0.1, candidates=1000, keep=100):
        if not 0 <= nms <= 1 or candidates < 1 or keep < 1:
            raise ValueError(f"nms is {nms}, candidates {candidates}, keep {keep}; allowed: 0 to 1, then 1 or more")
        self.threshold, self.nms = check_threshold(threshold), nms
        self.candidates, self.keep = candidates, keep

    def synthetic(self, inputs):
        """Random points with as many values as the model takes."""
        return synthetic_points(inputs)

    def records(self, outputs, samples, labels, threshold):
        """The boxes of each cloud, the best first.

        Args:
            outputs (dict[str, ndarray]): `scores` [N, P] and `boxes` [N, P, 7], of one class.
            samples (list[dict]): not used.
            labels (list[str]): class names.
            threshold (float): boxes that score less are left out.

        Returns:
            list[list[dict]]: for each cloud `label`, `category_id`, `score`, `box` (meters and radians).
        """
        found = []
        for scores, boxes in zip(np.asarray(outputs["scores"], np.float64), np.asarray(outputs["boxes"], np.float64)):
            best = np.argsort(-scores, kind="stable")[: self.candidates]
            best = best[scores[best] >= threshold]
            kept = best[suppress_rotated(boxes[best], scores[best], self.nms, self.keep)] if len(best) else best
            found.append(
                [
                    {
                        "label": label_of(0, labels),
                        "category_id": 0,
                        "score": round(float(scores[k]), 4),
                        "box": [round(float(value), 4) for value in boxes[k]],
                    }
                    for k in kept
                ]
            )
        return found

    def draw(self, image, records):
        """An image of the cloud, RGB uint8, with its boxes.

        Args:
            image (ndarray): the points, [P, 3 or more], in the frame of the camera.
            records (list[dict]): of this cloud.
        """
        corners = box_corners(np.array([item["box"] for item in records]).reshape(-1, 7))
        drawn, places = draw_with_corners(np.asarray(image)[:, :3], corners.reshape(-1, 3), "-y")
        for item, pixels in zip(records, places.reshape(-1, 8, 2)):
            for first, second in EDGES:
                ends = [tuple(int(value) for value in pixels[k]) for k in (first, second)]
                cv2.line(drawn, *ends, color_of(item["category_id"]), 1, cv2.LINE_AA)
        return drawn
