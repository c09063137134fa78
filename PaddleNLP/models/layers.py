"""What several parts share: sums and maxima over what is not padding, first weights.

Shapes in this file:
    N texts of T tokens (padded), D features.
"""

import paddle
from paddle import nn


def masked_sum(x, mask):
    """The sum over the tokens of each text, [N, D] of [N, T, D] and [N, T]."""
    return (x * mask.unsqueeze(2)).sum(1)


def masked_max(x, mask):
    """The largest over the tokens of each text, [N, D] of [N, T, D] and [N, T]; 0 for a text without tokens."""
    seen = paddle.where(mask.unsqueeze(2) > 0, x, paddle.full_like(x, -1e9))
    place = paddle.argmax(seen, 1, keepdim=True)  # the gradient of max over an axis inside takes 500 times as long
    held = paddle.take_along_axis(x, place, 1).squeeze(1)
    return held * (mask.sum(1, keepdim=True) > 0).astype(x.dtype)


def uniform(bound):
    """Initial values between -bound and bound, as a parameter's attribute."""
    return paddle.ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))
