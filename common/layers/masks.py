"""Which places of padded sequences are real.

Shapes in this file:
    N sequences of T places (padded).
"""

import paddle


def mask_of(length, like):
    """1 for what is there, 0 for padding.

    Args:
        length (Tensor): int64 [N], places of each sequence that are real.
        like (Tensor): [N, T, ...], whose T is meant.

    Returns:
        Tensor: float32 [N, T].
    """
    places = paddle.arange(paddle.shape(like)[1]).astype("int64")
    return (places.unsqueeze(0) < length.unsqueeze(1)).astype("float32")
