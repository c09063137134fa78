"""The coding of boxes relative to other boxes (https://arxiv.org/abs/1311.2524, appendix C, equations 1 to 8).

Shapes in this file:
    any leading axes [...], the last axis (x1, y1, x2, y2) of boxes and anchors, (dx, dy, dw, dh) of deltas.
The weights are the inverse of the standard deviations of the deltas; the `variance` of other programs is 1 / weight.
"""

import math

import paddle

RCNN = (10.0, 10.0, 5.0, 5.0)
LARGEST = math.log(1000 / 16)  # of dw and dh, so that no exponential overflows


def encode_deltas(boxes, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Deltas from anchors to boxes: the shift of the center in anchor sizes, the logarithm of the ratio of the sizes.

    Args:
        boxes (Tensor): float32 [..., 4], of positive width and height.
        anchors (Tensor): float32 [..., 4], of positive width and height.
        weights (tuple[float]): multiplies dx, dy, dw, dh.

    Returns:
        Tensor: float32 [..., 4].
    """
    sizes = anchors[..., 2:] - anchors[..., :2]
    shifts = ((boxes[..., :2] + boxes[..., 2:]) - (anchors[..., :2] + anchors[..., 2:])) * 0.5 / sizes
    ratios = paddle.log((boxes[..., 2:] - boxes[..., :2]) / sizes)
    return paddle.concat([shifts, ratios], axis=-1) * paddle.to_tensor(weights, dtype="float32")


def decode_deltas(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """The inverse of :func:`encode_deltas`; sizes of more than 62.5 anchors are limited to that."""
    deltas = deltas / paddle.to_tensor(weights, dtype="float32")
    sizes = anchors[..., 2:] - anchors[..., :2]
    centers = (anchors[..., :2] + anchors[..., 2:]) * 0.5 + deltas[..., :2] * sizes
    halves = paddle.exp(paddle.clip(deltas[..., 2:], max=LARGEST)) * sizes * 0.5
    return paddle.concat([centers - halves, centers + halves], axis=-1)


def encode_linear(boxes, anchors):
    """The shift of the center and the size of boxes [..., 4], both in sizes of the anchors [..., 4]: [..., 4]."""
    sizes = anchors[..., 2:] - anchors[..., :2]
    shifts = ((boxes[..., :2] + boxes[..., 2:]) - (anchors[..., :2] + anchors[..., 2:])) * 0.5 / sizes
    return paddle.concat([shifts, (boxes[..., 2:] - boxes[..., :2]) / sizes], axis=-1)


def clip_boxes(boxes, im_shape):
    """Boxes [N, P, 4] clipped to images of height and width `im_shape`, float32 [N, 2]."""
    limits = im_shape.flip(axis=1)
    limits = paddle.concat([limits, limits], axis=1).unsqueeze(1)  # [N, 1, 4]
    return paddle.minimum(paddle.clip(boxes, min=0.0), limits)
