"""From a laser scanner to the camera beside it: calibration in KITTI's form, and the transform that applies it.

Shapes in this file:
    P points of D values: x, y, z and others.
"""

import os
from pathlib import Path

import numpy as np

from common.data.refusals import bad_file
from common.data.transform import Transform
from common.files import read_lines
from common.vision.boxes_3d import box_corners
from common.vision.point_files import LoadPoints

MATRICES = {"P2": (3, 4), "R0_rect": (3, 3), "Tr_velo_to_cam": (3, 4)}
NEAREST = 0.1  # meters before the camera from which on a corner of a box is drawn
NOMINAL = np.array(
    [[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0]], np.float64
)  # left, up, forward to right, down, forward


def read_calibration(path):
    """The matrices of a file of calibration: P2 [3, 4] into pixels, R0_rect [3, 3], Tr_velo_to_cam [3, 4].

    Raises:
        BadSample: D113, a matrix is missing or is no matrix of numbers.
        DataError: the file is missing.
    """
    found = {}
    for line in read_lines(path):
        name, _, text = line.partition(":")
        if name in MATRICES:
            try:
                values = np.array([float(field) for field in text.split()])
                found[name] = values.reshape(MATRICES[name])
            except ValueError:
                size = "x".join(map(str, MATRICES[name]))
                raise bad_file("D113", path, f"{name} is no {size} matrix of numbers") from None
            if not np.isfinite(values).all():
                raise bad_file("D113", path, f"{name} has numbers that are not finite")
    if missing := [name for name in MATRICES if name not in found]:
        raise bad_file("D113", path, f"has no matrix {missing[0]}")
    return found


def camera_points(points, calibration=None):
    """Points float32 [P, D] of the scanner in the frame of the camera: x to the right, y down, z forward.

    Args:
        points (ndarray): [P, D], x forward, y to the left, z up.
        calibration (dict | None): see :func:`read_calibration`; None: the axes are exchanged alone.
    """
    matrix = NOMINAL if calibration is None else calibration["R0_rect"] @ calibration["Tr_velo_to_cam"]
    moved = points[:, :3] @ matrix[:, :3].T + matrix[:, 3]
    return np.concatenate([moved, points[:, 3:]], 1).astype(np.float32)


def visible(points, calibration, size):
    """True for points [P, D] of the camera's frame that lie before it and within an image of (width, height)."""
    pixels = points[:, :3].astype(np.float64) @ calibration["P2"][:, :3].T + calibration["P2"][:, 3]
    depth = pixels[:, 2]
    x, y = (pixels[:, k] / np.where(depth > 0, depth, 1) for k in (0, 1))
    return (depth > 0) & (x >= 0) & (x < size[0]) & (y >= 0) & (y < size[1])


def image_boxes(boxes, projection, size):
    """The boxes (x1, y1, x2, y2) in pixels around boxes in space, within the image, [B, 4].

    Args:
        boxes (ndarray): (x, y, z, h, w, l, ry), see common/vision/boxes_3d.py, [B, 7].
        projection (ndarray): P2 of the calibration, [3, 4].
        size (list[int]): width and height of the image.
    """
    corners = box_corners(boxes)
    pixels = corners @ np.asarray(projection, np.float64)[:, :3].T + np.asarray(projection, np.float64)[:, 3]
    pixels = pixels[..., :2] / np.maximum(pixels[..., 2:], NEAREST)
    found = np.concatenate([pixels.min(1), pixels.max(1)], 1)
    return np.clip(found, 0, np.array([size[0] - 1, size[1] - 1] * 2))


def observation_angles(boxes):
    """The rotation of boxes [B, 7] against the ray from the camera, from -pi to pi (alpha of KITTI's labels)."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    turn = boxes[:, 6] - np.arctan2(boxes[:, 0], boxes[:, 2])
    return np.arctan2(np.sin(turn), np.cos(turn))


class LoadScan(LoadPoints):
    """Reads the points of a scan, and moves them to the frame of the camera, unless the dataset has (`camera`).

    The calibration is `calib/NAME.txt` beside the folder of `NAME.bin`; without that file the axes of the scanner are
    exchanged alone (x forward, y left, z up become right, down and forward).

    Args:
        values (int): the first values of each point that are taken; 3 for x, y, z alone.
    """

    def __call__(self, sample, rng):
        sample = super().__call__(sample, rng)
        if not sample.get("camera"):
            path = Path(sample.get("path", ""))
            calib = path.parent.parent / "calib" / f"{path.stem}.txt"
            known = path.suffix == ".bin" and os.path.isfile(calib)
            sample["points"] = camera_points(sample["points"], read_calibration(calib) if known else None)
            sample["camera"] = True
        return sample


class CropScope(Transform):
    """Leaves out points that are not in a box of the frame of the camera.

    Args:
        low (list[float]): smallest x, y, z in meters.
        high (list[float]): largest x, y, z.

    Raises:
        BadSample: D117, no point is left.
    """

    alike = True

    def __init__(self, low=(-40.0, -1.0, 0.0), high=(40.0, 3.0, 70.4)):
        if len(low) != 3 or len(high) != 3 or not all(a < b for a, b in zip(low, high)):
            raise ValueError(f"CropScope got low {list(low)} and high {list(high)}; three numbers each, rising")
        self.low, self.high = list(low), list(high)

    def __call__(self, sample, rng):
        points = sample["points"]
        inside = ((points[:, :3] >= self.low) & (points[:, :3] <= self.high)).all(1)
        if not inside.any():
            name = sample.get("path", "points")
            raise bad_file("D117", name, f"no point lies within {self.low} to {self.high} m of the camera")
        sample["points"] = np.ascontiguousarray(points[inside])
        return sample


class ChooseFarPoints(Transform):
    """As many points as the network takes, first of all those that are far, of which there are few.

    Args:
        count (int): number of points.
        far (float): points at a larger z are all taken, as long as there is room.
        random (bool): random ones of the others in random order, for training; else evenly spaced ones.
    """

    def __init__(self, count=16384, far=40.0, random=False):
        if count < 1:
            raise ValueError(f"ChooseFarPoints got count {count}; it is 1 or more")
        self.count, self.far, self.random = count, far, random
        self.augments = random

    def __call__(self, sample, rng):
        points = sample["points"]
        total, order = len(points), np.arange(len(points))
        order = rng.permutation(total) if self.random else order
        if total > self.count:
            distant = points[order, 2] > self.far
            first, rest = order[distant][: self.count], order[~distant]
            room = self.count - len(first)
            chosen = np.concatenate([first, rest[np.arange(room) * len(rest) // max(room, 1)]]) if room else first
        else:
            chosen = order[np.arange(self.count) % total]
        sample["points"] = np.ascontiguousarray(points[chosen])
        return sample
