"""Box geometry that heads, losses and detectors share: overlaps, the coding of boxes by cells, matching, rescaling.

Overlaps:
    IoU    UnitBox, https://arxiv.org/abs/1608.01471
    GIoU   https://arxiv.org/abs/1902.09630, algorithm 1
    DIoU   https://arxiv.org/abs/1911.08287, equation 7
    CIoU   https://arxiv.org/abs/1911.08287, equations 8 to 11
The coding by cells and anchors is that of YOLOv2 (https://arxiv.org/abs/1612.08242, section 2) and its successors.

Shapes in this file:
    N images, P predictions an image, M objects an image, L levels of A anchors.
Boxes are (x1, y1, x2, y2) in pixels, deltas (tx, ty, tw, th).  A box without area, or turned inside out, overlaps
nothing and gives no NaN.
"""

import math

import paddle
from paddle.nn import functional as F

EPSILON = 1e-9
MAX_LOG_SIZE = 10.0  # exp(10) anchors; larger than any image, and far from overflow


# Overlap -------------------------------------------------------------------------------------------------------------


def iou(first, second):
    """Intersection over union of boxes [..., 4], element by element: [...] in 0..1."""
    intersection, union = intersection_and_union(corners(first), corners(second))
    return intersection / (union + EPSILON)


def iou_squared(first, second):
    """The square of the IoU: in 0..1, with a gradient that grows with the overlap."""
    return iou(first, second) ** 2


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
    """IoU less the squared distance of the centers, relative to the diagonal of the enclosing box: in -1..1."""
    first, second = corners(first), corners(second)
    intersection, union = intersection_and_union(first, second)
    return intersection / (union + EPSILON) - center_distance(first, second)


def ciou(first, second):
    """DIoU less alpha * v, where v compares the aspect ratios; alpha takes no gradient."""
    first, second = corners(first), corners(second)
    intersection, union = intersection_and_union(first, second)
    overlap = intersection / (union + EPSILON)
    angles = [paddle.atan(extent(b[2] - b[0]) / (extent(b[3] - b[1]) + EPSILON)) for b in (first, second)]
    v = (4 / math.pi**2) * (angles[0] - angles[1]) ** 2
    alpha = (v / (1 - overlap + v + EPSILON)).detach()
    return overlap - center_distance(first, second) - alpha * v


OVERLAPS = {"iou": iou, "iou_squared": iou_squared, "giou": giou, "diou": diou, "ciou": ciou}


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


def center_distance(first, second):
    """Squared distance of the centers over the squared diagonal of the enclosing box."""
    x = (first[0] + first[2] - second[0] - second[2]) * 0.5
    y = (first[1] + first[3] - second[1] - second[3]) * 0.5
    width, height = enclosing_size(first, second)
    return (x**2 + y**2) / (width**2 + height**2 + EPSILON)


# Coding by cells and anchors -----------------------------------------------------------------------------------------


def decode_boxes(deltas, cells, anchors, stride, scale_xy=1.0):
    """Boxes from predicted deltas: the center is the cell plus a sigmoid, the size a multiple of the anchor's.

    Args:
        deltas (Tensor): float32 [..., 4], tx, ty, tw, th.
        cells (Tensor): float32 [..., 2], column and row of the cell.
        anchors (Tensor): float32 [..., 2], width and height in pixels.
        stride (int): pixels per cell.
        scale_xy (float): stretches the offset around 0.5.

    Returns:
        Tensor: float32 [..., 4], x1, y1, x2, y2 in pixels.
    """
    offsets = F.sigmoid(deltas[..., :2]) * scale_xy - 0.5 * (scale_xy - 1)
    centers = (cells + offsets) * stride
    halves = paddle.exp(paddle.clip(deltas[..., 2:4], max=MAX_LOG_SIZE)) * anchors * 0.5
    return paddle.concat([centers - halves, centers + halves], axis=-1)


def encode_boxes(boxes, cells, anchors, stride, scale_xy=1.0):
    """The inverse of :func:`decode_boxes` for boxes whose centers lie strictly inside their cells.

    Takes boxes float32 [..., 4] in pixels and returns deltas [..., 4]; the other arguments are the same.
    """
    offsets, sizes = cell_targets(boxes, cells, anchors, stride)
    offsets = (offsets + 0.5 * (scale_xy - 1)) / scale_xy
    return paddle.concat([paddle.log(offsets / (1 - offsets)), sizes], axis=-1)


def cell_targets(boxes, cells, anchors, stride):
    """Of boxes [..., 4]: the center within its cell [..., 2], in cells, and log(size / anchor) [..., 2]."""
    centers = (boxes[..., :2] + boxes[..., 2:]) * 0.5
    return centers / stride - cells, paddle.log((boxes[..., 2:] - boxes[..., :2]) / anchors)


def cell_grid(height, width):
    """The (column, row) of each cell of a grid, float32 [H*W, 2], row by row."""
    rows, columns = paddle.meshgrid(paddle.arange(height), paddle.arange(width))
    return paddle.stack([columns.flatten(), rows.flatten()], axis=1).astype("float32")


# Matching ------------------------------------------------------------------------------------------------------------


def cells_of(boxes, stride, grid_size):
    """The (column, row) of the cell that holds the center of each box [..., 4], int64 [..., 2], within the grid."""
    height, width = grid_size
    cells = paddle.floor((boxes[..., :2] + boxes[..., 2:]) * (0.5 / stride))
    columns = paddle.clip(cells[..., 0], 0, width - 1)
    rows = paddle.clip(cells[..., 1], 0, height - 1)
    return paddle.stack([columns, rows], axis=-1).astype("int64")


def best_anchors(boxes, anchors):
    """The anchor whose shape has the largest IoU with a box when both are centered, int64 [N, M]; of equals the first.

    Takes boxes [N, M, 4] and all anchors [L*A, 2] (width, height), both in pixels.
    """
    sizes = (boxes[..., 2:] - boxes[..., :2]).unsqueeze(2)  # [N, M, 1, 2]
    common = paddle.minimum(sizes, anchors)  # [N, M, L*A, 2]
    intersection = common[..., 0] * common[..., 1]
    areas = sizes[..., 0] * sizes[..., 1] + anchors[:, 0] * anchors[:, 1]
    return paddle.argmax(intersection / (areas - intersection), axis=-1)


# Rescaling -----------------------------------------------------------------------------------------------------------


def original_boxes(boxes, im_shape, scale_factor):
    """Boxes in pixels of the input, rescaled to the original images and clipped to them.

    Args:
        boxes (Tensor): float32 [N, P, 4].
        im_shape (Tensor): float32 [N, 2], height and width of the image within the input, without its padding.
        scale_factor (Tensor): float32 [N, 2], input pixels per original pixel, along y and x.
    """
    sizes = paddle.round(im_shape / scale_factor).flip(axis=1)  # [N, 2] width, height
    scale = scale_factor.flip(axis=1)
    boxes = boxes / paddle.concat([scale, scale], axis=1).unsqueeze(1)
    limits = paddle.concat([sizes, sizes], axis=1).unsqueeze(1)  # [N, 1, 4]
    return paddle.minimum(paddle.clip(boxes, min=0.0), limits)
