"""Masks of padded sequences, and reductions over the steps that are not padding.

Shapes in this file:
    N sequences of T steps (padded), D features.
"""

import paddle


def mask_of(length, like):
    """1 for a step of the sequence, 0 for padding.

    Args:
        length (Tensor): int64 [N], steps of each sequence.
        like (Tensor): [N, T, ...], which gives T.

    Returns:
        Tensor: float32 [N, T].
    """
    places = paddle.arange(paddle.shape(like)[1]).astype("int64")
    return (places.unsqueeze(0) < length.unsqueeze(1)).astype("float32")


def masked_sum(x, mask):
    """The sum over the unmasked steps, [..., D] of x [..., T, D] and mask [..., T] (float or bool)."""
    return (x * mask.astype(x.dtype).unsqueeze(-1)).sum(-2)


def masked_max(x, mask):
    """The maximum over the unmasked steps, [N, D] of x [N, T, D] and mask float32 [N, T]; 0 for an empty sequence."""
    seen = paddle.where(mask.unsqueeze(2) > 0, x, paddle.full_like(x, -1e9))
    place = paddle.argmax(seen, 1, keepdim=True)  # the gradient of max over an inner axis takes 500 times as long
    highest = paddle.take_along_axis(x, place, 1).squeeze(1)
    return highest * (mask.sum(1, keepdim=True) > 0).astype(x.dtype)
