"""Boxes in space: corners, points inside, overlaps of rotated boxes, NMS.

Shapes in this file:
    B boxes, P points.  A box is (x, y, z, h, w, l, ry) in the frame of a camera, in meters and radians: x to the right,
    y down, z forward; x, y, z is the middle of its bottom; its length l lies along x where the rotation ry about y is
    0, its width w along z (KITTI's form).
"""

import numpy as np

SMALLEST = 1e-9  # area of what does not overlap


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
    corners = ground_corners(first), ground_corners(second)
    reach = [np.hypot(boxes[:, 4], boxes[:, 5]) / 2 for boxes in (first, second)]
    apart = np.hypot(first[:, None, 0] - second[None, :, 0], first[:, None, 2] - second[None, :, 2])
    for a, b in zip(*np.nonzero(apart < reach[0][:, None] + reach[1][None])):
        area[a, b] = polygon_area(clip_polygon(corners[0][a], corners[1][b]))
    sizes = [boxes[:, 4] * boxes[:, 5] for boxes in (first, second)]
    ground = area / np.maximum(sizes[0][:, None] + sizes[1][None] - area, SMALLEST)
    bottom = np.minimum(first[:, None, 1], second[None, :, 1])
    top = np.maximum((first[:, 1] - first[:, 3])[:, None], (second[:, 1] - second[:, 3])[None])
    common = area * np.maximum(bottom - top, 0)
    volumes = [size * boxes[:, 3] for size, boxes in zip(sizes, (first, second))]
    return ground, common / np.maximum(volumes[0][:, None] + volumes[1][None] - common, SMALLEST)


def clip_polygon(polygon, window):
    """The part of a convex polygon inside of another one (Sutherland and Hodgman), corners [K, 2]; K may be 0.

    Args:
        polygon (ndarray): [K, 2], in either order.
        window (ndarray): [L, 2], clockwise or counterclockwise.
    """
    sign = np.sign(signed_area(window))
    for start, end in zip(window, np.roll(window, -1, 0)):
        if not len(polygon):
            break
        edge = end - start
        side = sign * (edge[0] * (polygon[:, 1] - start[1]) - edge[1] * (polygon[:, 0] - start[0]))
        kept = []
        for k in range(len(polygon)):
            after = (k + 1) % len(polygon)
            if side[k] >= 0:
                kept.append(polygon[k])
            if side[k] * side[after] < 0:
                share = side[k] / (side[k] - side[after])
                kept.append(polygon[k] + share * (polygon[after] - polygon[k]))
        polygon = np.array(kept).reshape(-1, 2)
    return polygon


def signed_area(polygon):
    """The area of a polygon [K, 2], negative where its corners run the other way round."""
    if len(polygon) < 3:
        return 0.0
    after = np.roll(polygon, -1, 0)
    return 0.5 * float(np.sum(polygon[:, 0] * after[:, 1] - after[:, 0] * polygon[:, 1]))


def polygon_area(polygon):
    """The area of a polygon [K, 2]."""
    return abs(signed_area(polygon))


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
    order, found = list(np.argsort(-scores, kind="stable")), []
    while order and len(found) < keep:
        best = int(order.pop(0))
        found.append(best)
        if order:
            ground = overlaps_3d(boxes[best : best + 1], boxes[order])[0][0]
            order = [place for place, overlap in zip(order, ground) if overlap <= iou]
    return found
