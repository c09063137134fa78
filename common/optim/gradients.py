"""Gradient norm, gradient clipping by norm or value, and loss unscaling; in place.

A gradient is dense, or the sparse rows of an embedding: a list of row indices (with repetitions) and their values.
"""

import math

import paddle


def global_norm(gradients):
    """Euclidean norm (float) of all gradients (list of Tensor, dense or sparse) together."""
    squares = [paddle._C_ops.squared_l2_norm(merge_rows(gradient)).reshape([1]) for gradient in gradients]
    return math.sqrt(paddle.add_n(squares).item()) if squares else 0.0


def merge_rows(gradient):
    """The values of a gradient in float32, with repeated rows summed."""
    if gradient.is_selected_rows():
        gradient = paddle._C_ops.merge_selected_rows(gradient)._get_tensor_from_selected_rows()
    return gradient if gradient.dtype == paddle.float32 else gradient.astype("float32")


def values_of(gradient):
    """The values of a gradient as a dense Tensor that shares its memory."""
    return gradient._get_tensor_from_selected_rows() if gradient.is_selected_rows() else gradient


@paddle.no_grad()
def clip_gradients(gradients, norm=None, value=None, each_norm=None):
    """Clips in place, by exactly one of three limits.

    Args:
        gradients (list[Tensor]): changed in place.
        norm (float): limit of the norm of all together (https://arxiv.org/abs/1211.5063, algorithm 1).
        value (float): limit of every element; of sparse rows, before repeated ones are summed.
        each_norm (float): limit of the norm of each one.
    """
    if value is not None:
        for gradient in gradients:
            values_of(gradient).clip_(-value, value)
    elif each_norm is not None:
        for gradient in gradients:
            shrink([gradient], global_norm([gradient]), each_norm)
    else:
        shrink(gradients, global_norm(gradients), norm)


def shrink(gradients, norm, limit):
    """Scales gradients of global norm `norm` down to `limit`; smaller ones are unchanged."""
    if norm > limit:
        for gradient in gradients:
            paddle._C_ops.scale_(values_of(gradient), limit / norm, 0.0, True)


@paddle.no_grad()
def unscale(gradients, scale):
    """Divides in place by `scale` (float); returns True if all are finite."""
    by_dtype = {}
    for gradient in gradients:
        by_dtype.setdefault(gradient.dtype, []).append(values_of(gradient))
    divisor = paddle.to_tensor([scale], dtype="float32")
    overflows = [paddle._C_ops.check_finite_and_unscale_(group, divisor)[-1] for group in by_dtype.values()]
    return not any(overflow.item() for overflow in overflows)
