"""The norm of gradients and three ways to clip them, in place."""

import math

import paddle


def global_norm(gradients):
    """The Euclidean norm (float) of all gradients (list of Tensor, dense or sparse rows) taken together."""
    squares = [paddle._C_ops.squared_l2_norm(dense_values(gradient)).reshape([1]) for gradient in gradients]
    return math.sqrt(paddle.add_n(squares).item()) if squares else 0.0


def dense_values(gradient):
    """What the norm of a gradient is taken of: its values, in float32."""
    if gradient.is_selected_rows():
        merged = paddle._C_ops.merge_selected_rows(gradient)
        gradient = paddle._C_ops.get_tensor_from_selected_rows(merged)
    return gradient if gradient.dtype == paddle.float32 else gradient.astype("float32")


@paddle.no_grad()
def clip_gradients(gradients, norm=None, value=None, each_norm=None):
    """Clips in place, by exactly one of three limits, and returns the norm (float) from before.

    Args:
        gradients (list[Tensor]): changed in place.
        norm (float): limit of the norm of all together (https://arxiv.org/abs/1211.5063, algorithm 1).
        value (float): limit of every element.
        each_norm (float): limit of the norm of each one.
    """
    before = global_norm(gradients)
    if value is not None:
        for gradient in gradients:
            gradient.clip_(-value, value)
    elif each_norm is not None:
        for gradient in gradients:
            shrink([gradient], global_norm([gradient]), each_norm)
    else:
        shrink(gradients, before, norm)
    return before


def shrink(gradients, norm, limit):
    """Scales gradients whose norm together is `norm` down to `limit`; smaller ones stay as they are."""
    if norm > limit:
        for gradient in gradients:
            paddle._C_ops.scale_(gradient, limit / norm, 0.0, True)
