"""Terms that the losses of detectors share, element by element."""

import paddle
from paddle.nn import functional as F


def binary_cross_entropy(logits, targets):
    """-y log(p) - (1 - y) log(1 - p) with p = sigmoid(logits)."""
    return F.softplus(logits) - logits * targets


def smooth_l1(difference, beta=1.0):
    """x^2 / (2 beta) where |x| < beta, |x| - beta / 2 elsewhere; beta is 1 / sigma^2 of other programs."""
    size = paddle.abs(difference)
    return paddle.where(size < beta, difference * difference * (0.5 / beta), size - 0.5 * beta)


def softmax_cross_entropy(logits, labels):
    """-log of the softmax at the labels: logits [..., C] and int64 labels [...] to [...]."""
    return F.cross_entropy(logits, labels.unsqueeze(-1), reduction="none").squeeze(-1)
