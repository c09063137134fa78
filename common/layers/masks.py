"""Masks of padded sequences, and reductions over the steps that are not padding.

Shapes in this file:
    N sequences of T steps (padded), D features.
"""

import paddle


def sequence_mask(length, like):
    """The mask of sequences: 1 for valid steps, 0 for padding.

    Args:
        length (Tensor): int64 [N], the length of each sequence.
        like (Tensor): [N, T, ...], defines T.

    Returns:
        Tensor: float32 [N, T].
    """
    steps = paddle.arange(paddle.shape(like)[1]).astype("int64")
    return (steps.unsqueeze(0) < length.unsqueeze(1)).astype("float32")


def masked_sum(x, mask):
    """The sum over the unmasked steps, [..., D] of x [..., T, D] and mask [..., T] (float or bool)."""
    return (x * mask.astype(x.dtype).unsqueeze(-1)).sum(-2)


def masked_max(x, mask):
    """The maximum over the unmasked steps, [N, D] of x [N, T, D] and mask float32 [N, T]; 0 for an empty sequence."""
    valid = paddle.where(mask.unsqueeze(2) > 0, x, paddle.full_like(x, -1e9))
    index = paddle.argmax(valid, 1, keepdim=True)  # the gradient of max over an inner axis takes 500 times as long
    highest = paddle.take_along_axis(x, index, 1).squeeze(1)
    return highest * (mask.sum(1, keepdim=True) > 0).astype(x.dtype)
