"""Fake quantisation: float numbers that are moved to the nearest of the few that eight bits can tell apart.

Activations are asymmetric, a range for a whole tensor (https://arxiv.org/abs/1712.05877, section 2.1); weights are
symmetric, a scale for each output channel (https://arxiv.org/abs/1806.08342, section 2.2).

Words in this file:
    scale   the distance of two neighbours of the grid
    lowest, highest   the integers at its ends: the grid is scale * {lowest, ..., highest}, and has 0 in it
"""

import numpy as np
import paddle

LEVELS = 256
WEIGHT_ENDS = (-127.0, 127.0)  # -128 stays unused, so that the grid is symmetric
WITHOUT_FRACTION = 1.5 * 2**23
LEAST_SCALE = 1e-8  # of a tensor that is 0 everywhere


def grid(low, high):
    """The grid of 256 numbers that reaches from `low` to `high`, moved a little so that 0 is on it.

    Args:
        low (float): the smallest number that should be told apart; above 0 it counts as 0.
        high (float): the largest; below 0 it counts as 0.

    Returns:
        tuple[float, int]: the scale, and `lowest` (0 to -255); `highest` is lowest + 255.
    """
    low, high = min(0.0, float(low)), max(0.0, float(high))
    scale = max((high - low) / (LEVELS - 1), LEAST_SCALE)
    return scale, int(np.clip(np.rint(low / scale), 1 - LEVELS, 0))


def nearest_whole(x):
    """The whole number nearest to each of x, the even one of two; for |x| below 2^22.

    A float32 above 2^23 has no fraction.  The operator `round` does the same, 70 times slower once exported.
    """
    return x + WITHOUT_FRACTION - WITHOUT_FRACTION


def on_grid(x, scale, lowest, highest):
    """The nearest number of the grid for each of x; of all beyond its ends, the end.

    Args:
        x (Tensor): float32 of any shape.
        scale (Tensor): float32, broadcast to x.
        lowest (Tensor | float): a whole number.
        highest (Tensor | float): a whole number.
    """
    return nearest_whole(paddle.clip(x / scale, lowest, highest)) * scale


def straight_through(x, scale, lowest, highest):
    """As :func:`on_grid`, but with the gradient of x itself inside the range, and none outside.

    This is the straight-through estimator of https://arxiv.org/abs/1308.3432; a scale that is trained gets the gradient
    of https://arxiv.org/abs/1902.08153, eq. (3).
    """
    steps = paddle.clip(x / scale, lowest, highest)
    return (steps + (nearest_whole(steps) - steps).detach()) * scale


def per_channel(scales, axis, ndim):
    """Scales [O] in a shape that broadcasts along an axis of an array of `ndim` axes."""
    shape = [1] * ndim
    shape[axis] = -1
    return scales.reshape(shape)


def abs_max_scales(weight, axis):
    """The scale of each channel with which its largest number is 127: float32 [O].

    Args:
        weight (Tensor): float32.
        axis (int): that of the output channels.
    """
    others = [i for i in range(weight.ndim) if i != axis]
    return paddle.clip(weight.abs().amax(others) / WEIGHT_ENDS[1], min=LEAST_SCALE)


def least_error_scales(weight, axis, steps=40, least=0.4):
    """Of `steps` shares (least to 1) of each channel's :func:`abs_max_scales`, that of the least squared error.

    Args:
        weight (Tensor): float32.
        axis (int): that of the output channels.
        steps (int): how many shares are tried.
        least (float): the smallest share.

    Returns:
        Tensor: float32 [O].
    """
    widest = abs_max_scales(weight, axis)
    others = [i for i in range(weight.ndim) if i != axis]
    best, error = widest, paddle.full_like(widest, float("inf"))
    for share in np.linspace(1, least, steps):
        scales = widest * float(share)
        found = ((on_grid(weight, per_channel(scales, axis, weight.ndim), *WEIGHT_ENDS) - weight) ** 2).sum(others)
        best = paddle.where(found < error, scales, best)
        error = paddle.minimum(found, error)
    return best
