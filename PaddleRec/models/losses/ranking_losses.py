"""Ranking losses, which compare positive with negative items.

Shapes in this file:
    M samples, K negatives, V items, D features of a vector.
"""

from paddle.nn import functional as F

SMALL = 1e-8


def cosine(left, right):
    """The cosine similarity [...] of vectors [..., D]; 0 if one of them is zero."""
    product = (left * right).sum(-1)
    return product / ((left * left).sum(-1) * (right * right).sum(-1) + SMALL * SMALL).sqrt()


def bpr_loss(positive, negatives, valid=None):
    """The mean of -log sigmoid(positive - negative) (BPR, https://arxiv.org/abs/1205.2618, eq. 4.2).

    Args:
        positive (Tensor): scores [M].
        negatives (Tensor): scores [M, K].
        valid (Tensor): bool [M, K], the mask of the negatives; all count when None.
    """
    losses = F.softplus(negatives - positive.unsqueeze(-1))
    if valid is None:
        return losses.mean()
    weights = valid.astype(losses.dtype)
    return (losses * weights).sum() / weights.sum().clip(min=1.0)


def margin_ranking_loss(left, right, order, margin):
    """max(0, margin - order * (left - right)), elementwise; order is 1 where left should be larger, else -1."""
    return F.relu(margin - order * (left - right))


def negative_sampling_loss(positive, negatives):
    """The mean of -log sigmoid(positive) - sum of log sigmoid(-negative) (https://arxiv.org/abs/1310.4546, eq. 4).

    Args:
        positive (Tensor): scores [M].
        negatives (Tensor): scores [M, K].
    """
    return (F.softplus(-positive) + F.softplus(negatives).sum(-1)).mean()


def nce_loss(positive, negatives, log_noise_positive, log_noise_negatives):
    """The mean loss of noise-contrastive estimation (https://arxiv.org/abs/1206.6426, eq. 8).

    Args:
        positive (Tensor): scores [M].
        negatives (Tensor): scores [M, K].
        log_noise_positive (Tensor): [M], the log of K times the noise probability of the positive item.
        log_noise_negatives (Tensor): [M, K], likewise of the negatives.
    """
    return negative_sampling_loss(positive - log_noise_positive, negatives - log_noise_negatives)
