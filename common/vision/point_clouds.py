"""Transforms of point clouds: how many points, where and how large they are, and random changes for training.

Shapes in this file:
    P points of D values, the first three of which are x, y, z.

Arrays of a sample with a value for each point, such as `mask` uint8 [P], stay with their points.
"""

import numpy as np

from common.data.transform import Transform

WITH_POINTS = ("mask",)


class ChoosePoints(Transform):
    """As many points as the network takes: of more, evenly spaced or random ones; of fewer, some are repeated.

    Sets `cloud`, all points float32 [P, D] as they were, and `chosen`, int64 [count], the places of the chosen ones.

    Args:
        count (int): number of points.
        random (bool): random points in random order, for training.
    """

    def __init__(self, count=1024, random=False):
        if count < 1:
            raise ValueError(f"ChoosePoints got count {count}; it is 1 or more")
        self.count, self.random = count, random
        self.augments = random

    def __call__(self, sample, rng):
        points = sample["points"]
        total = len(points)
        if self.random:
            chosen = rng.permutation(total)[: self.count]
            chosen = np.concatenate([chosen, rng.integers(0, total, self.count - len(chosen))])
        else:
            steps = np.arange(self.count)
            chosen = steps * total // self.count if total >= self.count else steps % total
        if not self.random:
            sample["cloud"] = points
        sample["chosen"] = chosen.astype(np.int64)
        sample["points"] = np.ascontiguousarray(points[chosen])
        return keep_with(sample, chosen)


class CenterPoints(Transform):
    """Moves the mean of the points to the origin, and scales them so that the farthest has the distance 1.

    Args:
        scale (bool): scales them.
        up (bool): also along z; without it, heights stay as they are.
    """

    alike = True

    def __init__(self, scale=True, up=True):
        self.scale, self.up = scale, up

    def __call__(self, sample, rng):
        points = sample["points"].copy()
        center = points[:, :3].mean(0)
        center[2] = center[2] if self.up else 0
        points[:, :3] -= center
        if self.scale:
            points[:, :3] /= max(float(np.sqrt((points[:, :3] ** 2).sum(1).max())), 1e-9)
        sample["points"] = points
        return sample


class AddPlace(Transform):
    """Adds three values to each point: its place between the lowest and the highest one of the cloud, 0 to 1."""

    def __call__(self, sample, rng):
        points = sample["points"]
        low, high = points[:, :3].min(0), points[:, :3].max(0)
        place = (points[:, :3] - low) / np.maximum(high - low, 1e-9)
        sample["points"] = np.concatenate([points, place], 1).astype(np.float32)
        return sample


class AddHeight(Transform):
    """Adds to each point its height above the lowest point of its cell of the ground, for each size of cells.

    Args:
        cells (list[float]): lengths of the sides of square cells, in the unit of the points; z points up.
    """

    alike = True

    def __init__(self, cells=(1.0,)):
        if not cells or min(cells) <= 0:
            raise ValueError(f"AddHeight got cells {list(cells)}; one or more lengths above 0")
        self.cells = list(cells)

    def __call__(self, sample, rng):
        points, heights = sample["points"], []
        for side in self.cells:
            places = np.floor((points[:, :2] - points[:, :2].min(0)) / side)
            _, cell = np.unique(places, axis=0, return_inverse=True)
            lowest = np.full(cell.max() + 1, np.inf)
            np.minimum.at(lowest, cell.ravel(), points[:, 2])
            heights.append(points[:, 2] - lowest[cell.ravel()])
        sample["points"] = np.concatenate([points, np.stack(heights, 1)], 1).astype(np.float32)
        return sample


class RandomScalePoints(Transform):
    """A random factor of all coordinates, and a random shift.

    Args:
        scale (list[float]): smallest and largest factor.
        shift (float): largest shift along each axis.
        each_axis (bool): a factor for each axis.
    """

    augments = True

    def __init__(self, scale=(0.8, 1.25), shift=0.1, each_axis=False):
        if len(scale) != 2 or not 0 < scale[0] <= scale[1] or shift < 0:
            raise ValueError(f"RandomScalePoints got scale {list(scale)} and shift {shift}; two rising, above 0")
        self.scale, self.shift, self.each_axis = list(scale), shift, each_axis

    def __call__(self, sample, rng):
        points = sample["points"].copy()
        factor = rng.uniform(*self.scale, 3 if self.each_axis else 1)
        points[:, :3] = points[:, :3] * factor + rng.uniform(-self.shift, self.shift, 3)
        sample["points"] = points.astype(np.float32)
        return sample


class RandomRotatePoints(Transform):
    """A random rotation about an axis, then small ones about all three; normals are rotated too.

    Args:
        axis (str): x, y or z, the one that points up; none for the small ones alone.
        degrees (float): largest rotation about that axis, to either side.
        sigma (float): standard deviation of the small rotations in radians.
        clip (float): the largest of them.
        normals (bool): the next three values of each point are its normal.
    """

    augments = True

    def __init__(self, axis="y", degrees=180.0, sigma=0.06, clip=0.18, normals=False):
        if axis not in ("x", "y", "z", "none"):
            raise ValueError(f"RandomRotatePoints got axis {axis!r}; it is x, y, z or none")
        self.axis, self.degrees, self.sigma, self.clip, self.normals = axis, degrees, sigma, clip, normals

    def __call__(self, sample, rng):
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees))
        small = np.clip(self.sigma * rng.standard_normal(3), -self.clip, self.clip)
        matrix = np.eye(3) if self.axis == "none" else rotation("xyz".index(self.axis), angle)
        for k in range(3):
            matrix = rotation(k, small[k]) @ matrix
        points = sample["points"].copy()
        for start in (0, 3) if self.normals else (0,):
            points[:, start : start + 3] = points[:, start : start + 3] @ matrix.T
        sample["points"] = points.astype(np.float32)
        return sample


def rotation(axis, angle):
    """The matrix [3, 3] of a rotation about an axis (0 to 2) by an angle in radians, counterclockwise from its tip."""
    a, b = [k for k in range(3) if k != axis]
    matrix = np.eye(3)
    sign = -1.0 if axis == 1 else 1.0
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -sign * np.sin(angle), sign * np.sin(angle)
    return matrix


class RandomJitterPoints(Transform):
    """Moves each coordinate by normal noise.

    Args:
        sigma (float): standard deviation.
        clip (float): largest move.
    """

    augments = True

    def __init__(self, sigma=0.01, clip=0.05):
        self.sigma, self.clip = sigma, clip

    def __call__(self, sample, rng):
        points = sample["points"].copy()
        moves = np.clip(self.sigma * rng.standard_normal((len(points), 3)), -self.clip, self.clip)
        points[:, :3] += moves.astype(np.float32)
        sample["points"] = points
        return sample


class RandomDropPoints(Transform):
    """Replaces a random share of the points by the first one (random input dropout, PointNet++, section 3.3).

    Args:
        most (float): the share is uniform from 0 to this.
    """

    augments = True

    def __init__(self, most=0.875):
        if not 0 <= most < 1:
            raise ValueError(f"RandomDropPoints got most {most}; it is 0 or more and less than 1")
        self.most = most

    def __call__(self, sample, rng):
        points = sample["points"].copy()
        chosen = np.where(rng.random(len(points)) <= rng.uniform(0, self.most), 0, np.arange(len(points)))
        sample["points"] = points[chosen]
        return keep_with(sample, chosen)


def keep_with(sample, chosen):
    """The sample whose arrays of values of points are those of the chosen ones."""
    for key in WITH_POINTS:
        if key in sample:
            sample[key] = np.ascontiguousarray(sample[key][chosen])
    return sample
