"""Precise RoI pooling, differentiable in the corners of boxes too (https://arxiv.org/abs/1807.11590, section 3.3).

A map is bilinear between its cells, cell k having its value at k; a bin of a box has the mean of that over its area.
This is two matrices: the integrals of the hat of each cell over each bin, from top to bottom and from left to right.

Shapes in this file:
    N images with B boxes (x1, y1, x2, y2) each, in cells; maps of C channels and H x W cells, n x n bins.
"""

import paddle


def pool_boxes(features, boxes, bins):
    """The means of the bins of boxes, [N, B, C, n, n].

    Args:
        features (Tensor): float32 [N, C, H, W].
        boxes (Tensor): float32 [N, B, 4].
        bins (int): n.
    """
    down = axis_weights(boxes[:, :, 1], boxes[:, :, 3], bins, features.shape[2])[0]
    across = axis_weights(boxes[:, :, 0], boxes[:, :, 2], bins, features.shape[3])[0]
    return between(features, down, across)


def pool_with_slopes(features, boxes, bins):
    """The means of the bins, and their derivatives by x1, y1, x2 and y2: [N, B, 5, C, n, n].

    Args:
        features (Tensor): float32 [N, C, H, W].
        boxes (Tensor): float32 [N, B, 4].
        bins (int): n.
    """
    down = axis_weights(boxes[:, :, 1], boxes[:, :, 3], bins, features.shape[2])
    across = axis_weights(boxes[:, :, 0], boxes[:, :, 2], bins, features.shape[3])
    pairs = ((0, 0), (0, 1), (1, 0), (0, 2), (2, 0))
    return paddle.stack([between(features, down[i], across[j]) for i, j in pairs], 2)


def between(features, down, across):
    """Maps [N, C, H, W] between weights [N, B, n, H] and [N, B, n, W]: [N, B, C, n, n]."""
    channels, height, width = features.shape[1:]
    boxes, bins = down.shape[1], down.shape[2]
    # products of three axes alone: oneDNN in the predictor has others wrong
    rows = paddle.matmul(down.flatten(1, 2), features.transpose([0, 2, 1, 3]).reshape([-1, height, channels * width]))
    rows = rows.reshape([-1, bins * channels, width])  # [N B, n C, W]
    found = paddle.matmul(rows, across.transpose([0, 1, 3, 2]).reshape([-1, width, bins]))
    return found.reshape([-1, boxes, bins, channels, bins]).transpose([0, 1, 3, 2, 4])


def axis_weights(low, high, bins, length):
    """The mean of each cell's hat over each bin of an axis, and its derivatives by both ends: [N, B, n, length] each.

    Args:
        low (Tensor): float32 [N, B], where boxes begin, in cells.
        high (Tensor): float32 [N, B], where they end, beyond `low`.
        bins (int): n.
        length (int): cells of the axis.
    """
    part = paddle.arange(bins + 1, dtype="float32") / bins
    reach = (high - low).unsqueeze(2)  # [N, B, 1]
    edges = low.unsqueeze(2) + reach * part
    away = edges.unsqueeze(3) - paddle.arange(length, dtype="float32")  # [N, B, n + 1, length]
    whole, near = hat_integral(away), paddle.clip(1 - away.abs(), min=0)
    reach = reach.unsqueeze(3)
    width, part = reach / bins, part.reshape([1, 1, -1, 1])
    weights = difference(whole) / width
    return (
        weights,
        difference(near * (1 - part)) / width + weights / reach,
        difference(near * part) / width - weights / reach,
    )


def hat_integral(away):
    """The integral of the hat max(0, 1 - |t|) up to `away`: 0 at -1, 1/2 at 0, 1 at 1."""
    away = paddle.clip(away, -1, 1)
    return 0.5 + away - 0.5 * away * away.abs()


def difference(values):
    """Each value of the third axis less the one before it."""
    return values[:, :, 1:] - values[:, :, :-1]
