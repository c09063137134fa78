"""Classification of point clouds: the best classes of each as records, drawn with the cloud."""

from common.data.transform import random_for
from common.inference.tasks.image_classification import ImageClassification
from common.vision.point_drawing import draw_cloud


class PointClassification(ImageClassification):
    """Classification of point clouds: the best classes of each.

    Args:
        n_best (int): classes of a cloud at most.
        threshold (float): classes that score less are left out.
        decision (float): of two classes, the score from which the second one is the answer; the class that scores
            higher when None.
        up (str): x, y, z, or with a minus before, the axis that points up in drawings.
    """

    input = "points"

    def __init__(self, n_best=5, threshold=0.0, decision=None, up="z"):
        super().__init__(n_best, threshold, decision)
        self.up = check_axis(up)

    def synthetic(self, inputs):
        """Random points with as many values as the model takes."""
        return synthetic_points(inputs)

    def draw(self, image, records):
        """An image of the cloud, RGB uint8, with its classes.

        Args:
            image (ndarray): the points, [P, 3 or more].
            records (list[dict]): of this cloud.
        """
        return super().draw(draw_cloud(image[:, :3], up=self.up), records)


def check_axis(up):
    """The axis that points up; raises ValueError for another word."""
    if up.removeprefix("-") not in ("x", "y", "z"):
        raise ValueError(f"up is {up!r}; allowed: x, y, z, -x, -y, -z")
    return up


def synthetic_points(inputs, count=3000):
    """A sample of random points, float32 [count, D], of the size of the input `points` of a model (dict)."""
    shape, _ = inputs["points"]
    return {"path": "synthetic", "points": random_for(0).uniform(-1, 1, (count, shape[2])).astype("float32")}
