"""Drawings of point clouds: seen from above at an angle, the nearer points in front.

Shapes in this file:
    P points (x, y, z).
"""

import numpy as np

from common.vision.writers import ImageWriter

SIDE = 480  # pixels of a drawing
MARGIN = 0.06
SIDEWAYS, DOWN = np.deg2rad(35), np.deg2rad(25)  # directions of the view
LOW, HIGH = np.array([40, 70, 160.0]), np.array([250, 200, 60.0])  # colors of the lowest and the highest points
GROUND = 250


def view_of(points, others=None):
    """The pixels int [P, 2] (x, y) of points and their depth [P], all within a drawing of SIDE x SIDE.

    Args:
        points (ndarray): [P, 3], z up.
        others (ndarray | None): [Q, 3], more points, whose pixels follow; the drawing has the size of `points`.
    """
    every = np.asarray(points, np.float64)
    center = np.mean(every, 0)
    count = len(every)
    every = (every if others is None else np.concatenate([every, others])) - center
    turn, tilt = (np.cos(SIDEWAYS), np.sin(SIDEWAYS)), (np.cos(DOWN), np.sin(DOWN))
    right = every[:, 0] * turn[0] - every[:, 1] * turn[1]
    away = every[:, 0] * turn[1] + every[:, 1] * turn[0]
    up = every[:, 2] * tilt[0] + away * tilt[1]
    flat = np.stack([right, -up], 1)
    lowest, extent = flat[:count].min(0), np.ptp(flat[:count], axis=0)
    size = max(float(extent.max()), 1e-9)
    room = SIDE * (1 - 2 * MARGIN)
    shift = (SIDE - extent / size * room) / 2
    return np.rint((flat - lowest) / size * room + shift).astype(int), away


def draw_cloud(points, colors=None, up="z"):
    """An image of a cloud, RGB uint8 [SIDE, SIDE, 3].

    Args:
        points (ndarray): [P, 3].
        colors (ndarray | None): uint8 [P, 3]; by their height when None.
        up (str): x, y or z, the axis that points up; -y where it points down.
    """
    points = turned(points, up)
    pixels, depth = view_of(points)
    if colors is None:
        height = np.asarray(points, np.float64)[:, 2:3]
        share = (height - height.min()) / max(float(np.ptp(height)), 1e-9)
        colors = LOW + share * (HIGH - LOW)
    size = 3 if len(pixels) < 20_000 else 1
    image = np.full((SIDE, SIDE, 3), GROUND, np.uint8)
    order = np.argsort(-depth, kind="stable")
    for dy in range(size):
        for dx in range(size):
            rows, columns = (
                np.clip(pixels[order, axis] + d - size // 2, 0, SIDE - 1) for axis, d in ((1, dy), (0, dx))
            )
            image[rows, columns] = np.asarray(colors)[order]
    return image


def draw_with_corners(points, corners, up="z"):
    """The image of a cloud, see :func:`draw_cloud`, and the pixels int [Q, 2] of corners in it.

    Args:
        points (ndarray): [P, 3].
        corners (ndarray): [Q, 3].
        up (str): the axis that points up.
    """
    pixels, _ = view_of(turned(points, up), turned(np.asarray(corners).reshape(-1, 3), up))
    return draw_cloud(points, up=up), pixels[len(points) :]


def turned(points, up):
    """The points [P, 3] so that the axis `up` is the third one."""
    points = np.asarray(points)
    first = "xyz".index(up[-1]) + 1
    turned_points = points[:, [first % 3, (first + 1) % 3, (first + 2) % 3]]
    return turned_points * np.array([1, -1, -1]) if up.startswith("-") else turned_points


class CloudWriter(ImageWriter):
    """Writes drawings of point clouds with their predictions, as PNG files; see :class:`ImageWriter`."""

    def draw(self, task, sample, records):
        """Draws a cloud with its predictions and writes it.

        Args:
            task (Task): whose `draw` takes points in place of an image.
            sample (dict): with `points` [P, 3 or more].
            records (list[dict]): of the cloud.
        """
        self.add(sample, task.draw(sample["points"], records))
