"""Operators of networks of points, made of plain ones: sampling, neighbors, gathering, interpolation.

Shapes in this file:
    N clouds of P points (x, y, z), S centers among them, K neighbors of each, C channels.

Distances are summed in the order x, y, z by multiplications and additions of their own, so that a point is a neighbor
in an exported program exactly if it is one in memory.
"""

import numpy as np
import paddle

FAR = 1e10  # squared distance of what has not been compared
SMALLEST = 1e-8  # added to distances, whose inverses are weights


def farthest_points(points, count):
    """Farthest point sampling: the first point, then each time the one farthest from all before.

    Args:
        points (Tensor): float32 [N, P, 3].
        count (int): S, at most P.

    Returns:
        Tensor: int32 [N, S], indices of points; of equally far ones the first.
    """
    if paddle.in_dynamic_mode():
        return paddle.to_tensor(farthest_on_host(points.numpy(), count))
    return farthest_by_operators(points, count)


def farthest_on_host(points, count):
    """The same with NumPy, which takes a third of the time: points float32 [N, P, 3] to int32 [N, S]."""
    axes = [np.ascontiguousarray(points[..., k]) for k in range(3)]
    rows = np.arange(len(points))
    nearest = np.full(points.shape[:2], FAR, np.float32)
    found = np.zeros((len(points), count), np.int32)
    for step in range(1, count):
        last = found[:, step - 1]
        np.minimum(nearest, squared([axis - axis[rows, last][:, None] for axis in axes]), out=nearest)
        found[:, step] = nearest.argmax(1)
    return found


def farthest_by_operators(points, count):
    """The same as a loop of the program: points [N, P, 3] to int32 [N, S]."""
    axes = paddle.unbind(points, 2)
    places = paddle.arange(count, dtype="int32").unsqueeze(0)
    rows = paddle.zeros_like(axes[0][:, :1])

    def goes_on(step, last, nearest, found):
        return step < count

    def add(step, last, nearest, found):
        apart = squared([axis - paddle.take_along_axis(axis, last, 1, broadcast=False) for axis in axes])
        nearest = paddle.minimum(nearest, apart)
        last = nearest.argmax(1, keepdim=True)
        return step + 1, last, nearest, paddle.where(places == step, last.astype("int32"), found)

    start = [
        paddle.ones([1], "int32"),
        rows.astype("int64"),
        paddle.full_like(axes[0], FAR),
        (rows.astype("int32") + places * 0),
    ]
    found = paddle.static.nn.while_loop(goes_on, add, start)[3]
    return found.reshape([-1, count])


def squared(parts):
    """The sum of three squares, added from the first to the last."""
    x, y, z = parts
    return x * x + y * y + z * z


def squared_distances(centers, points):
    """Squared distances [N, S, P] of centers [N, S, 3] and points [N, P, 3]."""
    pairs = zip(paddle.unbind(centers, 2), paddle.unbind(points, 2))
    return squared([a.unsqueeze(2) - b.unsqueeze(1) for a, b in pairs])


def ball_query(distances, radius, count):
    """The first points nearer than a radius to each center, in the order of the points.

    Where there are fewer than K, the first one is repeated; a ball without points has point 0.

    Args:
        distances (Tensor): float32 [N, S, P], squared.
        radius (float): of the balls.
        count (int): K, at most P.

    Returns:
        Tensor: int32 [N, S, K], indices of points.
    """
    number = distances.shape[2]
    order = paddle.arange(number, dtype="float32")  # whole numbers up to 2^24 are exact
    beyond = paddle.full_like(distances, float(number))
    keys = paddle.where(distances < radius * radius, paddle.zeros_like(distances) + order, beyond)
    keys = paddle.topk(keys, count, axis=2, largest=False, sorted=True)[0]
    first = keys[:, :, :1]
    first = paddle.where(first < number, first, paddle.zeros_like(first))
    return paddle.where(keys < number, keys, first + paddle.zeros_like(keys)).astype("int32")


def take_points(values, index):
    """The values of points by their indices.

    Args:
        values (Tensor): [N, P, C].
        index (Tensor): int32 [N, S] or [N, S, K].

    Returns:
        Tensor: [N, S, C] or [N, S, K, C].
    """
    count, channels = values.shape[1:]
    flat = index.reshape([-1, int(np.prod(index.shape[1:]))])
    first = paddle.cumsum(paddle.ones_like(flat[:, :1]), axis=0, dtype="int32") - 1  # the number of each cloud
    found = paddle.gather(values.reshape([-1, channels]), (flat + first * count).flatten())
    return found.reshape([-1, *index.shape[1:], channels])


def interpolate_points(points, known, values):
    """Values at points from those at the three nearest known ones, weighted by the inverse of their distances.

    Args:
        points (Tensor): float32 [N, P, 3].
        known (Tensor): float32 [N, S, 3]; with fewer than three, all of them are taken.
        values (Tensor): [N, S, C].

    Returns:
        Tensor: [N, P, C].
    """
    nearest, index = paddle.topk(squared_distances(points, known), min(3, known.shape[1]), axis=2, largest=False)
    weights = 1 / (paddle.sqrt(nearest) + SMALLEST)
    weights = weights / weights.sum(2, keepdim=True)
    return (take_points(values, index.astype("int32")) * weights.unsqueeze(3)).sum(2)
