"""The detection head of YOLOv3 (https://arxiv.org/abs/1804.02767, section 2) and its box coding.

Shapes in this file:
    N images, L levels, A anchors per level, C classes, H x W cells of one level, P = all A*H*W of all levels.
Boxes are (x1, y1, x2, y2) in input pixels, deltas (tx, ty, tw, th).  Levels run from the coarsest to the finest.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.conv2d import Conv2D

MAX_LOG_SIZE = 10.0  # exp(10) anchors; larger than any picture, and far from overflow


class YOLOv3Head(nn.Layer):
    """Predicts, for every anchor of every cell, a box, an objectness and C class scores.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        num_classes (int): C, without a background class.
        anchors (list[list[list[int]]]): per level, the (width, height) of its anchors in pixels.
        strides (list[int]): input pixels per cell, per level.
        scale_xy (float): stretches the cell offset around its middle, so that a box can reach the cell's border.
        objectness_prior (float): the objectness that an untrained head gives everywhere (RetinaNet, section 4.1).
    """

    def __init__(self, in_channels, num_classes, anchors, strides=(32, 16, 8), scale_xy=1.0, objectness_prior=0.01):
        super().__init__()
        if not len(in_channels) == len(anchors) == len(strides):
            raise ValueError(
                f"YOLOv3Head got {len(in_channels)} levels from the neck, "
                f"{len(anchors)} lists of anchors and {len(strides)} strides"
            )
        if any(len(anchor) != 2 or min(anchor) <= 0 for level in anchors for anchor in level):
            raise ValueError(f"YOLOv3Head: an anchor is a width and a height above 0; not so one of {anchors}")
        if not 0 < objectness_prior < 1:
            raise ValueError(f"YOLOv3Head got objectness_prior {objectness_prior}; it lies between 0 and 1")
        self.num_classes = num_classes
        self.anchors = [[tuple(anchor) for anchor in level] for level in anchors]
        self.strides = list(strides)
        self.scale_xy = scale_xy
        self.outputs = nn.LayerList(
            Conv2D(channels, len(level) * (5 + num_classes), 1) for channels, level in zip(in_channels, anchors)
        )
        for layer, level in zip(self.outputs, self.anchors):
            bias = paddle.zeros([len(level), 5 + num_classes])
            bias[:, 4] = -math.log(1 / objectness_prior - 1)
            layer.bias.set_value(bias.flatten())

    def forward(self, features):
        """Raw predictions of each level, [N, A, 5 + C, H, W]; the third axis is tx, ty, tw, th, objectness, classes."""
        predictions = []
        for layer, feature, level in zip(self.outputs, features, self.anchors):
            height, width = feature.shape[2:]
            predictions.append(layer(feature).reshape([0, len(level), 5 + self.num_classes, height, width]))
        return predictions

    def decode(self, predictions):
        """Turns raw predictions into boxes [N, P, 4] and scores [N, C, P], objectness times class, ready for NMS."""
        boxes, scores = [], []
        for prediction, anchors, stride in zip(predictions, self.anchors, self.strides):
            boxes.append(decode_level(prediction, anchors, stride, self.scale_xy))
            raw = F.sigmoid(prediction[:, :, 4:]).flatten(3, 4)  # [N, A, 1 + C, H*W]
            level = raw[:, :, :1] * raw[:, :, 1:]
            scores.append(level.transpose([0, 2, 1, 3]).flatten(2, 3))
        return paddle.concat(boxes, axis=1), paddle.concat(scores, axis=2)


def decode_level(prediction, anchors, stride, scale_xy=1.0):
    """The boxes [N, A*H*W, 4] of one level's raw predictions [N, A, 5 + C, H, W]; anchors are A (width, height)."""
    deltas = prediction[:, :, :4].flatten(3, 4).transpose([0, 1, 3, 2])  # [N, A, H*W, 4]
    cells = cell_grid(prediction)
    sizes = paddle.to_tensor(anchors, dtype="float32").unsqueeze(1)  # [A, 1, 2]
    return decode_boxes(deltas, cells, sizes, stride, scale_xy).flatten(1, 2)


def cell_grid(prediction):
    """The (column, row) of each cell of [..., H, W], float32 [H*W, 2], row by row."""
    height, width = paddle.shape(prediction)[-2], paddle.shape(prediction)[-1]
    rows, columns = paddle.meshgrid(paddle.arange(height), paddle.arange(width))
    return paddle.stack([columns.flatten(), rows.flatten()], axis=1).astype("float32")


def decode_boxes(deltas, cells, anchors, stride, scale_xy=1.0):
    """Boxes from what is predicted (YOLOv2, https://arxiv.org/abs/1612.08242, section 2).

    The centre is the cell plus a sigmoid, the size a multiple of the anchor's.

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
    centres = (cells + offsets) * stride
    halves = paddle.exp(paddle.clip(deltas[..., 2:4], max=MAX_LOG_SIZE)) * anchors * 0.5
    return paddle.concat([centres - halves, centres + halves], axis=-1)


def encode_boxes(boxes, cells, anchors, stride, scale_xy=1.0):
    """The inverse of :func:`decode_boxes` for boxes whose centres lie strictly inside their cells.

    Takes boxes float32 [..., 4] in pixels and returns deltas [..., 4]; the other arguments are the same.
    """
    offsets, sizes = cell_targets(boxes, cells, anchors, stride)
    offsets = (offsets + 0.5 * (scale_xy - 1)) / scale_xy
    return paddle.concat([paddle.log(offsets / (1 - offsets)), sizes], axis=-1)


def cell_targets(boxes, cells, anchors, stride):
    """Of boxes [..., 4]: the centre within its cell [..., 2], in cells, and log(size / anchor) [..., 2]."""
    centres = (boxes[..., :2] + boxes[..., 2:]) * 0.5
    return centres / stride - cells, paddle.log((boxes[..., 2:] - boxes[..., :2]) / anchors)
