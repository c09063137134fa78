"""Segmentation of point clouds: the classes of a cloud with their points as records, and drawn in their colors.

Shapes in this file:
    P points of a cloud, Q points that the network was given.
"""

import numpy as np

from common.inference.drawing import color_of, draw_name
from common.inference.labels import label_of
from common.inference.task import Task, check_threshold
from common.inference.tasks.point_classification import check_axis, synthetic_points
from common.log import counted
from common.vision.instance_masks import decode_masks, encode_mask
from common.vision.point_drawing import GROUND, draw_cloud


class PointSegmentation(Task):
    """Segmentation of point clouds: each class with its share of the points and which points it has.

    A point that the network was not given has the class of the nearest one that it was given.

    Args:
        threshold (float): classes with a smaller share of the points are left out.
        up (str): x, y, z, or with a minus before, the axis that points up in drawings.
    """

    input = "points"
    threshold_of = "share of the points"
    columns = {"label": "label", "share": "share", "category_id": "category_id", "mask": "mask"}

    def __init__(self, threshold=0.0, up="z"):
        self.threshold, self.up = check_threshold(threshold), check_axis(up)

    def synthetic(self, inputs):
        """Random points with as many values as the model takes."""
        return synthetic_points(inputs)

    def records(self, outputs, samples, labels, threshold):
        """The classes of each cloud, the largest first.

        Args:
            outputs (dict[str, ndarray]): `label_map` int [N, Q].
            samples (list[dict]): with `cloud` [P, 3 or more] and `chosen` int [Q], see `ChoosePoints`; without them
                the cloud is what the network was given.
            labels (list[str]): class names; a number beyond them is named by itself.
            threshold (float): classes with a smaller share of the points are left out.

        Returns:
            list[list[dict]]: for each cloud `label`, `category_id` (the number of the class), `share` of its points,
                and `mask`, the run-length code of its points as an image of one row, `{"size": [1, P], "counts": str}`.
        """
        found = []
        for classes, sample in zip(np.asarray(outputs["label_map"]), samples):
            classes = classes_of_all(classes, sample)
            ids, counts = np.unique(classes, return_counts=True)
            found.append(
                [
                    {
                        "label": label_of(int(ids[k]), labels),
                        "category_id": int(ids[k]),
                        "share": round(float(counts[k] / len(classes)), 4),
                        "mask": encode_mask((classes == ids[k])[None]),
                    }
                    for k in np.argsort(-counts, kind="stable")
                    if counts[k] / len(classes) >= threshold
                ]
            )
        return found

    def draw(self, image, records):
        """An image of the cloud, RGB uint8, its points in the colors of their classes, and a legend.

        Args:
            image (ndarray): the points, [P, 3 or more].
            records (list[dict]): of this cloud.
        """
        colors = np.full((len(image), 3), GROUND - 60, np.uint8)
        for item in records:
            colors[decode_masks([item["mask"]], 1, len(image))[0, 0] > 0] = color_of(item["category_id"])
        drawn, size = draw_cloud(image[:, :3], colors, self.up), 13
        for row, item in enumerate(records):
            place, color = (2, 2 + round((row + 1) * 1.6 * size)), color_of(item["category_id"])
            draw_name(drawn, f"{item['label']}: {100 * item['share']:.1f} %", place, color, size)
        return drawn

    def line(self, sample, records):
        """The number of classes, then a line for each with its share of the points."""
        lines = [f"  {item['label']} {item['share']:.3f}" for item in records]
        return "\n".join([f"{sample['name']}: {counted(len(records), 'class')}", *lines])


def classes_of_all(classes, sample):
    """The classes of all points of a cloud, int [P], of those [Q] that the network was given."""
    if "cloud" not in sample or "chosen" not in sample:
        return classes
    cloud, chosen = np.asarray(sample["cloud"])[:, :3], np.asarray(sample["chosen"])
    found = np.full(len(cloud), -1, np.int64)
    found[chosen] = classes
    rest = np.flatnonzero(found < 0)
    if len(rest):
        from scipy.spatial import cKDTree

        given = np.unique(chosen)
        found[rest] = found[given[cKDTree(cloud[given]).query(cloud[rest])[1]]]
    return found
