"""Boxes in space: corners, points inside, overlaps of rotated boxes, NMS.

Shapes in this file:
    B boxes, P points.  A box is (x, y, z, h, w, l, ry) in the frame of a camera, in meters and radians: x to the right,
    y down, z forward; x, y, z is the middle of its bottom; its length l lies along x where the rotation ry about y is
    0, its width w along z (KITTI's form).
"""

import numpy as np

SMALLEST = 1e-9  # area of what does not overlap, and relative size of what is not seen


def ground_corners(boxes):
    """The corners of boxes seen from above, (x, z) one after another, [B, 4, 2].

    Args:
        boxes (ndarray): [B, 7].
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    along = np.array([0.5, 0.5, -0.5, -0.5]) * boxes[:, 5:6]
    across = np.array([0.5, -0.5, -0.5, 0.5]) * boxes[:, 4:5]
    cosine, sine = np.cos(boxes[:, 6:7]), np.sin(boxes[:, 6:7])
    x = boxes[:, 0:1] + cosine * along + sine * across
    z = boxes[:, 2:3] - sine * along + cosine * across
    return np.stack([x, z], 2)


def box_corners(boxes):
    """The corners of boxes in space, [B, 8, 3]: the four of the bottom, then those above them."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    ground = ground_corners(boxes)
    levels = [np.broadcast_to(y[:, None], ground.shape[:2]) for y in (boxes[:, 1], boxes[:, 1] - boxes[:, 3])]
    return np.concatenate([np.stack([ground[..., 0], y, ground[..., 1]], 2) for y in levels], 1)


def in_frame_of(points, boxes):
    """Points seen from the middle of the bottom of boxes, along their length, down, and along their width, [B, P, 3].

    Args:
        points (ndarray): [P, 3 or more].
        boxes (ndarray): [B, 7].
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    x, y, z = (points[None, :, k] - boxes[:, k : k + 1] for k in range(3))
    cosine, sine = np.cos(boxes[:, 6:7]), np.sin(boxes[:, 6:7])
    return np.stack([cosine * x - sine * z, y, sine * x + cosine * z], 2)


def points_inside(points, boxes, margin=0.0):
    """True for each point of each box that it holds, bool [B, P].

    Args:
        points (ndarray): [P, 3 or more].
        boxes (ndarray): [B, 7].
        margin (float): boxes are larger by so much on every side.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 7)
    along, down, across = np.moveaxis(in_frame_of(points, boxes), 2, 0)
    height, width, length = (boxes[:, k : k + 1] for k in (3, 4, 5))
    inside = (np.abs(along) <= length / 2 + margin) & (np.abs(across) <= width / 2 + margin)
    return inside & (down <= margin) & (down >= -height - margin)


def overlaps_3d(first, second):
    """The intersection over union of every pair of boxes, seen from above and in space, two of [A, B].

    Args:
        first (ndarray): [A, 7].
        second (ndarray): [B, 7].
    """
    first, second = (np.asarray(boxes, np.float64).reshape(-1, 7) for boxes in (first, second))
    area = np.zeros((len(first), len(second)))
    reach = [np.hypot(boxes[:, 4], boxes[:, 5]) / 2 for boxes in (first, second)]
    apart = np.hypot(first[:, None, 0] - second[None, :, 0], first[:, None, 2] - second[None, :, 2])
    a, b = np.nonzero(apart < reach[0][:, None] + reach[1][None])
    area[a, b] = common_ground(first[a], second[b])
    sizes = [boxes[:, 4] * boxes[:, 5] for boxes in (first, second)]
    ground = area / np.maximum(sizes[0][:, None] + sizes[1][None] - area, SMALLEST)
    bottom = np.minimum(first[:, None, 1], second[None, :, 1])
    top = np.maximum((first[:, 1] - first[:, 3])[:, None], (second[:, 1] - second[:, 3])[None])
    common = area * np.maximum(bottom - top, 0)
    volumes = [size * boxes[:, 3] for size, boxes in zip(sizes, (first, second))]
    return ground, common / np.maximum(volumes[0][:, None] + volumes[1][None] - common, SMALLEST)


def common_ground(first, second):
    """The areas that both boxes of a pair cover, seen from above, [K].

    The outline of the common area consists of the parts of the sides of each box that lie inside the other one; the
    area is half the sum of their cross products. Boxes `second` are larger by a billionth, so that a side of both
    counts once.

    Args:
        first (ndarray): [K, 7].
        second (ndarray): [K, 7].
    """
    second = second.copy()
    second[:, 4:6] *= 1 + SMALLEST
    middle, twice = first[:, None, [0, 2]], np.zeros(len(first))
    for mine, other in ((first, second), (second, first)):
        corners = ground_corners(mine)
        x, z = np.moveaxis(corners - middle, 2, 0)
        cross = x * np.roll(z, -1, 1) - np.roll(x, -1, 1) * z
        twice += (share_inside(corners, other) * cross).sum(1)
    return np.abs(twice) / 2


def share_inside(corners, boxes):
    """The share of each side of polygons, from a corner to the next, that lies inside a box, [K, L].

    Args:
        corners (ndarray): (x, z), [K, L, 2].
        boxes (ndarray): [K, 7].
    """
    x, z = (corners[..., k] - boxes[:, None, 2 * k] for k in (0, 1))
    cosine, sine = np.cos(boxes[:, 6:7]), np.sin(boxes[:, 6:7])
    low, high = np.zeros(x.shape), np.ones(x.shape)
    for place, size in ((cosine * x - sine * z, boxes[:, 5:6]), (sine * x + cosine * z, boxes[:, 4:5])):
        step = np.roll(place, -1, 1) - place
        step = np.where(np.abs(step) < SMALLEST**2, SMALLEST**2, step)
        ends = (-size / 2 - place) / step, (size / 2 - place) / step
        low, high = np.maximum(low, np.minimum(*ends)), np.minimum(high, np.maximum(*ends))
    return np.maximum(high - low, 0)


def suppress_rotated(boxes, scores, iou, keep):
    """Greedy NMS by the overlap seen from above: the places of the boxes that stay, the best first.

    Args:
        boxes (ndarray): [B, 7].
        scores (ndarray): [B].
        iou (float): a box that overlaps a better one by more is left out.
        keep (int): boxes at most.

    Returns:
        list[int]: at most `keep` places.
    """
    order, found = np.argsort(-scores, kind="stable"), []
    while len(order) and len(found) < keep:
        best, order = int(order[0]), order[1:]
        found.append(best)
        order = order[overlaps_3d(boxes[best : best + 1], boxes[order])[0][0] <= iou]
    return found
