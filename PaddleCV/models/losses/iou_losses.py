"""Overlap of boxes, and the losses made of it.

    IoU    Unitbox, https://arxiv.org/abs/1608.01471
    GIoU   https://arxiv.org/abs/1902.09630, algorithm 1
    DIoU   https://arxiv.org/abs/1911.08287, equation 7
    CIoU   https://arxiv.org/abs/1911.08287, equations 8 to 11

Boxes are (x1, y1, x2, y2); one without area, or turned inside out, overlaps nothing and gives no NaN.
"""

import math

import paddle

EPSILON = 1e-9


def iou(first, second):
    """Intersection over union of boxes [..., 4] one by one: [...] in 0..1."""
    intersection, union = intersection_and_union(corners(first), corners(second))
    return intersection / (union + EPSILON)


def pairwise_iou(first, second):
    """Intersection over union of each of [..., P, 4] with each of [..., M, 4]: [..., P, M]."""
    rows = [part.unsqueeze(-1) for part in corners(first)]  # [..., P, 1]
    columns = [part.unsqueeze(-2) for part in corners(second)]  # [..., 1, M]
    intersection, union = intersection_and_union(rows, columns)
    return intersection / (union + EPSILON)


def giou(first, second):
    """IoU less the share of the smallest enclosing box that neither covers: in -1..1."""
    first, second = corners(first), corners(second)
    intersection, union = intersection_and_union(first, second)
    width, height = enclosing_size(first, second)
    enclosing = width * height + EPSILON
    return intersection / (union + EPSILON) - (enclosing - union) / enclosing


def diou(first, second):
    """IoU less the squared distance of the centres, relative to the diagonal of the enclosing box: in -1..1."""
    first, second = corners(first), corners(second)
    intersection, union = intersection_and_union(first, second)
    return intersection / (union + EPSILON) - centre_distance(first, second)


def ciou(first, second):
    """DIoU less alpha * v, where v compares the aspect ratios; alpha takes no gradient."""
    first, second = corners(first), corners(second)
    intersection, union = intersection_and_union(first, second)
    overlap = intersection / (union + EPSILON)
    angles = [paddle.atan(extent(b[2] - b[0]) / (extent(b[3] - b[1]) + EPSILON)) for b in (first, second)]
    v = (4 / math.pi**2) * (angles[0] - angles[1]) ** 2
    alpha = (v / (1 - overlap + v + EPSILON)).detach()
    return overlap - centre_distance(first, second) - alpha * v


OVERLAPS = {"iou": iou, "giou": giou, "diou": diou, "ciou": ciou}


def corners(boxes):
    """The four coordinates of boxes [..., 4], each [...]."""
    return paddle.unbind(boxes, axis=-1)


def extent(difference):
    """A width or height that is not negative."""
    return paddle.clip(difference, min=0.0)


def intersection_and_union(first, second):
    """Areas of two lists of four coordinates."""
    width = extent(paddle.minimum(first[2], second[2]) - paddle.maximum(first[0], second[0]))
    height = extent(paddle.minimum(first[3], second[3]) - paddle.maximum(first[1], second[1]))
    intersection = width * height
    areas = [extent(b[2] - b[0]) * extent(b[3] - b[1]) for b in (first, second)]
    return intersection, areas[0] + areas[1] - intersection


def enclosing_size(first, second):
    """Width and height of the smallest box around both."""
    width = paddle.maximum(first[2], second[2]) - paddle.minimum(first[0], second[0])
    height = paddle.maximum(first[3], second[3]) - paddle.minimum(first[1], second[1])
    return extent(width), extent(height)


def centre_distance(first, second):
    """Squared distance of the centres over the squared diagonal of the enclosing box."""
    x = (first[0] + first[2] - second[0] - second[2]) * 0.5
    y = (first[1] + first[3] - second[1] - second[3]) * 0.5
    width, height = enclosing_size(first, second)
    return (x**2 + y**2) / (width**2 + height**2 + EPSILON)
