"""Transforms of scenes of points with boxes: targets of points, random changes for training.

Shapes in this file:
    P points in the frame of the camera, G boxes (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py.
"""

import numpy as np

from common.data.transform import Transform
from common.vision.boxes_3d import overlaps_3d, points_inside


class PointBoxTargets(Transform):
    """Sets for each point whether it is of an object, and of which: `point_label` and `point_box`.

    `point_label` int64 [P] is 1 inside of a box, -1 outside but inside of the enlarged box, 0 elsewhere; `point_box`
    float32 [P, 7] is the box around the point, zeros without one.

    Args:
        margin (float): boxes are enlarged by so many meters on every side for the points that are ignored.
        keep (bool): the boxes stay in the sample, for networks that also learn from proposals.
    """

    def __init__(self, margin=0.2, keep=False):
        if margin < 0:
            raise ValueError(f"PointBoxTargets got margin {margin}; it is 0 or more")
        self.margin, self.keep = margin, keep

    def __call__(self, sample, rng):
        points, boxes = sample["points"], sample["boxes"]
        label = np.zeros(len(points), np.int64)
        found = np.zeros((len(points), 7), np.float32)
        if len(boxes):
            inside = points_inside(points, boxes)
            label[points_inside(points, boxes, self.margin).any(0)] = -1
            label[inside.any(0)] = 1
            found[label == 1] = boxes[inside.argmax(0)[label == 1]]
        sample["point_label"], sample["point_box"] = label, found
        if not self.keep:
            sample.pop("boxes")
        return sample


class PasteObjects(Transform):
    """Objects of other scenes, with their points, where nothing else stands (SECOND, section 3.2.1).

    An object keeps its place. It is left out if it overlaps a box, seen from above, or has too few points; the points
    of the scene inside of its box give way.

    Args:
        most (int): objects that are added at most.
        least_points (int): an object has so many.
    """

    augments = True
    extra = 6

    def __init__(self, most=15, least_points=5):
        if most < 1 or least_points < 1:
            raise ValueError(f"PasteObjects got most {most} and least_points {least_points}; each is 1 or more")
        self.most, self.least_points = most, least_points

    def __call__(self, sample, rng, others):
        points, boxes, added = sample["points"], sample["boxes"], 0
        for other in others:
            held = points_inside(other["points"], other["boxes"])
            for row in rng.permutation(len(other["boxes"])):
                box = other["boxes"][row : row + 1]
                fits = not len(boxes) or not overlaps_3d(box, boxes)[0].any()
                if added < self.most and fits and held[row].sum() >= self.least_points:
                    scene = points[~points_inside(points, box)[0]]
                    points, boxes = np.concatenate([scene, other["points"][held[row]]]), np.concatenate([boxes, box])
                    added += 1
        sample["points"], sample["boxes"] = points, boxes.astype(np.float32)
        return sample


class RandomSceneChange(Transform):
    """Turns a scene about the camera, scales it and mirrors it, its boxes too.

    Args:
        degrees (float): largest turn to either side.
        scale (list[float]): smallest and largest factor.
        flip (float): probability that left and right are exchanged.
    """

    augments = True

    def __init__(self, degrees=10.0, scale=(0.95, 1.05), flip=0.5):
        if len(scale) != 2 or not 0 < scale[0] <= scale[1] or not 0 <= flip <= 1:
            raise ValueError(f"RandomSceneChange got scale {list(scale)} and flip {flip}; two rising, and 0 to 1")
        self.degrees, self.scale, self.flip = degrees, list(scale), flip

    def __call__(self, sample, rng):
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees))
        factor, flips = rng.uniform(*self.scale), rng.random() < self.flip
        points, boxes = sample["points"].copy(), sample["boxes"].astype(np.float64)
        for places in (points, boxes):
            places[:, :3] = turned_about_y(places[:, :3], angle) * factor
            if flips:
                places[:, 0] *= -1
        boxes[:, 3:6] *= factor
        boxes[:, 6] += angle
        if flips:
            boxes[:, 6] = np.pi - boxes[:, 6]
        sample["points"], sample["boxes"] = points.astype(np.float32), boxes.astype(np.float32)
        return sample


def turned_about_y(places, angle):
    """Places [P, 3] turned so that the rotation ry of a box grows by the angle."""
    x, y, z = np.moveaxis(np.asarray(places, np.float64), 1, 0)
    return np.stack([np.cos(angle) * x + np.sin(angle) * z, y, -np.sin(angle) * x + np.cos(angle) * z], 1)
