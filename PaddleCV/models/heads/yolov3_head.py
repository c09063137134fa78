"""The detection head of YOLOv3 (https://arxiv.org/abs/1804.02767, section 2).

Shapes in this file:
    N images, L levels, A anchors per level, C classes, H x W cells of one level, P = all A*H*W of all levels.
Boxes are (x1, y1, x2, y2) in input pixels, deltas (tx, ty, tw, th).  Levels run from the coarsest to the finest.
IoU-aware (https://arxiv.org/abs/1912.05992, section 3): a prediction also has the IoU of its box and the object, q, and
its score is objectness^(1 - f) * q^f * class.
The coding of boxes by cells and anchors is in `boxes.py`.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..boxes import cell_grid, decode_boxes


class YOLOv3Head(nn.Layer):
    """Predicts, for every anchor of every cell, a box, an objectness and C class scores.

    Args:
        in_channels (list[int]): channels of each level, given by the neck.
        num_classes (int): C, without a background class.
        anchors (list[list[list[int]]]): per level, the (width, height) of its anchors in pixels.
        strides (list[int]): input pixels per cell, per level.
        scale_xy (float): stretches the cell offset around its middle, so that a box can reach the cell's border.
        objectness_prior (float): the objectness that an untrained head predicts everywhere (RetinaNet, section 4.1).
        iou_aware (float | None): f, above 0 and below 1, to predict IoUs; None not to.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        anchors,
        strides=(32, 16, 8),
        scale_xy=1.0,
        objectness_prior=0.01,
        iou_aware=None,
    ):
        super().__init__()
        if not len(in_channels) == len(anchors) == len(strides):
            raise ValueError(
                f"YOLOv3Head got {len(in_channels)} levels from the neck, "
                f"{len(anchors)} lists of anchors and {len(strides)} strides"
            )
        if any(len(anchor) != 2 or min(anchor) <= 0 for level in anchors for anchor in level):
            raise ValueError(f"YOLOv3Head: an anchor is a width and a height above 0; one of {anchors} is not")
        if not 0 < objectness_prior < 1:
            raise ValueError(f"YOLOv3Head got objectness_prior {objectness_prior}; it lies between 0 and 1")
        if iou_aware is not None and not 0 < iou_aware < 1:
            raise ValueError(f"YOLOv3Head got iou_aware {iou_aware}; it lies between 0 and 1")
        self.num_classes = num_classes
        self.anchors = [[tuple(anchor) for anchor in level] for level in anchors]
        self.strides = list(strides)
        self.scale_xy = scale_xy
        self.iou_aware = iou_aware
        numbers = 5 + num_classes + (iou_aware is not None)
        self.outputs = nn.LayerList(
            nn.Conv2D(channels, len(level) * numbers, 1) for channels, level in zip(in_channels, anchors)
        )
        for layer, level in zip(self.outputs, self.anchors):
            bias = paddle.zeros([len(level), 5 + num_classes])
            bias[:, 4] = -math.log(1 / objectness_prior - 1)
            bias = bias.flatten()
            layer.bias.set_value(paddle.concat([paddle.zeros([layer.bias.shape[0] - len(bias)]), bias]))

    def forward(self, features):
        """Raw predictions of each level, [N, A, 5 + C, H, W]; the third axis is tx, ty, tw, th, objectness, classes.

        Those of an IoU-aware head are [N, A, 6 + C, H, W], the IoU last.
        """
        predictions = []
        for layer, feature, level in zip(self.outputs, features, self.anchors):
            height, width = feature.shape[2:]
            count, raw = len(level), layer(feature)
            overlaps = raw[:, :count].unsqueeze(2) if self.iou_aware else None  # the IoUs of all anchors come first
            raw = raw[:, count:] if self.iou_aware else raw
            raw = raw.reshape([0, count, 5 + self.num_classes, height, width])
            predictions.append(paddle.concat([raw, overlaps], axis=2) if self.iou_aware else raw)
        return predictions

    def decode(self, predictions):
        """Turns raw predictions into boxes [N, P, 4] and scores [N, C, P], objectness times class, ready for NMS."""
        boxes, scores = [], []
        for prediction, anchors, stride in zip(predictions, self.anchors, self.strides):
            boxes.append(decode_level(prediction, anchors, stride, self.scale_xy))
            raw = F.sigmoid(prediction[:, :, 4:]).flatten(3, 4)  # [N, A, 1 + C, H*W], of IoU-aware heads 2 + C
            objectness, classes = raw[:, :, :1], raw[:, :, 1 : 1 + self.num_classes]
            if self.iou_aware:
                objectness = objectness ** (1 - self.iou_aware) * raw[:, :, -1:] ** self.iou_aware
            level = objectness * classes
            scores.append(level.transpose([0, 2, 1, 3]).flatten(2, 3))
        return paddle.concat(boxes, axis=1), paddle.concat(scores, axis=2)


def decode_level(prediction, anchors, stride, scale_xy=1.0):
    """The boxes [N, A*H*W, 4] of one level's raw predictions [N, A, 5 + C, H, W]; anchors are A (width, height)."""
    deltas = prediction[:, :, :4].flatten(3, 4).transpose([0, 1, 3, 2])  # [N, A, H*W, 4]
    cells = cell_grid(paddle.shape(prediction)[-2], paddle.shape(prediction)[-1])
    sizes = paddle.to_tensor(anchors, dtype="float32").unsqueeze(1)  # [A, 1, 2]
    return decode_boxes(deltas, cells, sizes, stride, scale_xy).flatten(1, 2)
