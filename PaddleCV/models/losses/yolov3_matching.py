"""Which anchor and cell answers for which object (https://arxiv.org/abs/1804.02767, section 2.1).

Shapes in this file:
    N images, M objects an image (padded), L levels of A anchors, P = all A*H*W of all levels.
Boxes are (x1, y1, x2, y2) in input pixels; a label of -1 marks padding.
"""

import dataclasses

import paddle

SMALLEST = 1e-6  # objects narrower than this share of the picture are no objects


@dataclasses.dataclass
class Objects:
    """The objects of a batch, made harmless: what is no object has a label of -1 and a box in the corner.

    Args:
        boxes (Tensor): float32 [N, M, 4], finite, of positive size.
        labels (Tensor): int64 [N, M], 0 .. C-1, or -1.
        scores (Tensor): float32 [N, M], the weight of each object, 0 where there is none.
    """

    boxes: paddle.Tensor
    labels: paddle.Tensor
    scores: paddle.Tensor


def usable_objects(boxes, labels, scores, image_size):
    """The :class:`Objects` of padded boxes [N, M, 4], labels [N, M] and scores [N, M] (None: all 1).

    Boxes that are not finite, inside out, or smaller than a millionth of the picture are no objects.
    `image_size` is (height, width) in pixels.
    """
    height, width = image_size
    if boxes.shape[1] == 0:
        boxes = paddle.zeros([boxes.shape[0], 1, 4])
        labels = paddle.full([boxes.shape[0], 1], -1, dtype="int64")
        scores = None
    x1, y1, x2, y2 = paddle.unbind(boxes, axis=-1)
    usable = (x2 - x1 > SMALLEST * width) & (y2 - y1 > SMALLEST * height)
    usable = usable & paddle.isfinite(boxes).all(axis=-1) & (labels >= 0)
    corner = paddle.to_tensor([0.0, 0.0, 1.0, 1.0])
    labels = paddle.where(usable, labels.astype("int64"), paddle.full_like(labels, -1, dtype="int64"))
    weights = usable.astype("float32")
    if scores is not None:
        weights = paddle.where(usable, scores.astype("float32"), paddle.zeros_like(weights))
    return Objects(paddle.where(usable.unsqueeze(-1), boxes, corner), labels, weights)


def best_anchors(boxes, anchors):
    """The anchor whose shape overlaps a box best when both are centred, int64 [N, M]; of equals, the first.

    Takes boxes [N, M, 4] and all anchors [L*A, 2] (width, height), both in pixels.
    """
    sizes = (boxes[..., 2:] - boxes[..., :2]).unsqueeze(2)  # [N, M, 1, 2]
    common = paddle.minimum(sizes, anchors)  # [N, M, L*A, 2]
    intersection = common[..., 0] * common[..., 1]
    areas = sizes[..., 0] * sizes[..., 1] + anchors[:, 0] * anchors[:, 1]
    return paddle.argmax(intersection / (areas - intersection), axis=-1)


def cells_of(boxes, stride, grid_size):
    """The (column, row) of the cell that holds the centre of each box [..., 4], int64 [..., 2], within the grid."""
    height, width = grid_size
    cells = paddle.floor((boxes[..., :2] + boxes[..., 2:]) * (0.5 / stride))
    columns = paddle.clip(cells[..., 0], 0, width - 1)
    rows = paddle.clip(cells[..., 1], 0, height - 1)
    return paddle.stack([columns, rows], axis=-1).astype("int64")


def last_of_each(places, taken):
    """Where several taken objects of an image have the same place [N, M], True for the last of them alone."""
    count = places.shape[1]
    same = (places.unsqueeze(2) == places.unsqueeze(1)) & taken.unsqueeze(1)  # [N, M, M]
    later = paddle.triu(paddle.ones([count, count]), diagonal=1).astype("bool")
    return taken & ~(same & later).any(axis=2)
