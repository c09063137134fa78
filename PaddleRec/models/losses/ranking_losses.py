"""Losses that compare what was wanted with what was not.

Shapes in this file:
    M places, K items that were not wanted, V items, D numbers in a vector.
"""

import paddle
from paddle.nn import functional as F

SMALL = 1e-8


def cosine(left, right):
    """The cosine [...] of vectors [..., D]; 0 where one of them is zero."""
    product = (left * right).sum(-1)
    return product / ((left * left).sum(-1) * (right * right).sum(-1) + SMALL * SMALL).sqrt()


def bpr_loss(wanted, others, valid=None):
    """The mean of -log sigmoid(wanted - other) (BPR, https://arxiv.org/abs/1205.2618, eq. 4.2).

    Args:
        wanted (Tensor): scores [M].
        others (Tensor): scores [M, K].
        valid (Tensor): bool [M, K], which of the others count; all when None.
    """
    losses = F.softplus(others - wanted.unsqueeze(-1))
    if valid is None:
        return losses.mean()
    weights = valid.astype(losses.dtype)
    return (losses * weights).sum() / weights.sum().clip(min=1.0)


def margin_loss(left, right, order, margin):
    """max(0, margin - order * (left - right)), element by element; order is 1 where left is to be the larger."""
    return F.relu(margin - order * (left - right))


def sampled_cross_entropy(wanted, others, valid, log_expected):
    """Cross entropy over the wanted item and sampled ones (https://arxiv.org/abs/1412.2007, section 3.1).

    Args:
        wanted (Tensor): scores [M], less the logarithm of how often the item is expected in the sample.
        others (Tensor): scores [M, K] of the sample.
        valid (Tensor): bool [M, K], False where the sample hit the wanted item.
        log_expected (Tensor): [K], the logarithm of how often each item is expected in the sample.

    Returns:
        Tensor: the mean over the places, 0 of none.
    """
    others = paddle.where(valid, others - log_expected, paddle.full_like(others, -1e9))
    logits = paddle.concat([wanted.unsqueeze(-1), others], axis=1)
    return mean_cross_entropy(logits, paddle.zeros([len(logits)], "int64"))


def mean_cross_entropy(logits, labels):
    """The cross entropy of logits [M, C] and labels [M], the mean over the rows; 0 where there is none."""
    return F.cross_entropy(logits, labels, reduction="sum") / max(1, len(labels))


def negative_sampling_loss(wanted, others):
    """-log sigmoid(wanted) - sum of log sigmoid(-other), the mean over places (https://arxiv.org/abs/1310.4546, eq. 4).

    Takes scores [M] and [M, K].
    """
    return (F.softplus(-wanted) + F.softplus(others).sum(-1)).mean()


def nce_loss(wanted, others, log_noise_wanted, log_noise_others):
    """Noise contrastive estimation, the mean over places (https://arxiv.org/abs/1206.6426, eq. 8).

    Args:
        wanted (Tensor): scores [M].
        others (Tensor): scores [M, K].
        log_noise_wanted (Tensor): [M], logarithm of K times the noise's probability of the wanted item.
        log_noise_others (Tensor): [M, K], the same of the others.
    """
    return negative_sampling_loss(wanted - log_noise_wanted, others - log_noise_others)
