"""The baseline of face detectors: the cascade of OpenCV (Viola, Jones, CVPR 2001; Lienhart, Maydt, ICIP 2002).

Shapes in this file:
    N images, R faces found in all of them.  Boxes are (x1, y1, x2, y2) in pixels of the original images.
"""

import os

import numpy as np

from common.errors import ConfigError, EnvironmentProblem

from .baseline import Baseline

FILE = "haarcascade_frontalface_default.xml"


class FaceCascade(Baseline):
    """The trained cascade for frontal faces that OpenCV up to version 4 comes with; nothing is fitted.

    Args:
        labels (list[str]): class names of the data; it knows faces alone.
        step (float): ratio of one scale to the next.
        neighbors (int): windows that must agree.

    Raises:
        ConfigError: the data have other classes.
        EnvironmentProblem: this OpenCV has no cascades.
    """

    title = "OpenCV's cascade of Haar features"
    learns = False

    def __init__(self, labels, step=1.1, neighbors=3):
        if labels != ["face"]:
            raise ConfigError(f"the simple baseline of detection finds faces; it needs labels: [face], not {labels}")
        self.step, self.neighbors = step, neighbors
        self.cascade = load_cascade()

    def see(self, batch):
        """Takes nothing: the cascade is trained already."""

    def predict(self, batch):
        """`boxes` float32 [R, 6], rows (0, score, x1, y1, x2, y2), image after image, and `num_boxes` int64 [N]."""
        rows = [self.find(path) for path in batch["path"]]
        return {"boxes": np.concatenate(rows), "num_boxes": np.array([len(found) for found in rows])}

    def find(self, path):
        """The faces of an image file, rows [R, 6]; the score is the confidence of the last stage of the cascade."""
        import cv2

        image = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        boxes, _, scores = self.cascade.detectMultiScale3(
            image, scaleFactor=self.step, minNeighbors=self.neighbors, outputRejectLevels=True
        )
        boxes = np.float32(boxes).reshape(-1, 4)
        scores = np.float32(scores).reshape(-1, 1)
        return np.concatenate([np.zeros_like(scores), scores, boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def load_cascade():
    """OpenCV's classifier for frontal faces; raises EnvironmentProblem."""
    import cv2

    path = os.path.join(getattr(getattr(cv2, "data", None), "haarcascades", ""), FILE)
    if not hasattr(cv2, "CascadeClassifier") or not os.path.isfile(path):
        raise EnvironmentProblem(
            f"the baseline of faces is the cascade of OpenCV 4, and OpenCV {cv2.__version__} has none\n"
            "  fix: pip install --no-deps --target output/opencv4 'opencv-python-headless<5', "
            "then PYTHONPATH=output/opencv4 before the command"
        )
    return cv2.CascadeClassifier(path)
