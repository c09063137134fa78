"""Fake quantization: rounds floating-point numbers to an 8-bit grid.

Activations are quantized asymmetrically, per tensor (https://arxiv.org/abs/1712.05877, section 2.1); weights
symmetrically, per output channel (https://arxiv.org/abs/1806.08342, section 2.2).

Terms in this file:
    scale   the step of the grid
    lowest, highest   the smallest and largest integer: the grid is scale * {lowest, ..., highest} and contains 0
"""

import numpy as np
import paddle

LEVELS = 256
WEIGHT_ENDS = (-127.0, 127.0)  # -128 is not used, so that the grid is symmetric
NO_FRACTION = 1.5 * 2**23
MIN_SCALE = 1e-8  # of a tensor that is 0 everywhere


def grid(low, high):
    """The grid of 256 values from `low` to `high`, shifted so that 0 is on it.

    Args:
        low (float): the lower end; a positive value counts as 0.
        high (float): the upper end; a negative value counts as 0.

    Returns:
        tuple[float, int]: the scale, and `lowest` (0 to -255); `highest` is lowest + 255.
    """
    low, high = min(0.0, float(low)), max(0.0, float(high))
    scale = max((high - low) / (LEVELS - 1), MIN_SCALE)
    return scale, int(np.clip(np.rint(low / scale), 1 - LEVELS, 0))


def round_half_even(x):
    """Rounds to the nearest integer, ties to even; for |x| below 2^22.

    A float32 above 2^23 has no fraction.  The operator `round` does the same, 70 times slower once exported.
    """
    return x + NO_FRACTION - NO_FRACTION


def fake_quantize(x, scale, lowest, highest):
    """Rounds x to the nearest value of the grid and clips it to its ends.

    Args:
        x (Tensor): float32 of any shape.
        scale (Tensor): float32, broadcast to x.
        lowest (Tensor | float): an integer.
        highest (Tensor | float): an integer.
    """
    return round_half_even(paddle.clip(x / scale, lowest, highest)) * scale


def straight_through(x, scale, lowest, highest):
    """:func:`fake_quantize` with the straight-through estimator: gradient 1 inside the range, 0 outside.

    See https://arxiv.org/abs/1308.3432; a trainable scale gets the gradient of LSQ, https://arxiv.org/abs/1902.08153,
    eq. (3).
    """
    steps = paddle.clip(x / scale, lowest, highest)
    return (steps + (round_half_even(steps) - steps).detach()) * scale


def per_channel(scales, axis, ndim):
    """Scales [O] reshaped to broadcast along an axis of an array of `ndim` axes."""
    shape = [1] * ndim
    shape[axis] = -1
    return scales.reshape(shape)


def abs_max_scales(weight, axis):
    """The scale of each channel that maps its largest magnitude to 127, float32 [O].

    Args:
        weight (Tensor): float32.
        axis (int): of the output channels.
    """
    others = [i for i in range(weight.ndim) if i != axis]
    return paddle.clip(weight.abs().amax(others) / WEIGHT_ENDS[1], min=MIN_SCALE)


def min_mse_scales(weight, axis, steps=40, least=0.4):
    """The scale of each channel with the least squared error, out of multiples of :func:`abs_max_scales`.

    Args:
        weight (Tensor): float32.
        axis (int): of the output channels.
        steps (int): number of multiples.
        least (float): the smallest multiple; the largest is 1.

    Returns:
        Tensor: float32 [O].
    """
    widest = abs_max_scales(weight, axis)
    others = [i for i in range(weight.ndim) if i != axis]
    best, error = widest, paddle.full_like(widest, float("inf"))
    for share in np.linspace(1, least, steps):
        scales = widest * float(share)
        found = ((fake_quantize(weight, per_channel(scales, axis, weight.ndim), *WEIGHT_ENDS) - weight) ** 2).sum(
            others
        )
        best = paddle.where(found < error, scales, best)
        error = paddle.minimum(found, error)
    return best
