"""The negative log-likelihood of a linear-chain conditional random field (Lafferty et al. 2001; Sutton and McCallum,
https://arxiv.org/abs/1011.4088).

The score of a path y through T tokens is
    start[y_1] + stop[y_T] + sum_t emission[t, y_t] + sum_t transition[y_t-1, y_t]

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

import paddle
from paddle.nn import functional as F


def crf_loss(emissions, transitions, tags, mask):
    """-log p(tags) of each text, [N]; the arguments are those of :func:`path_score`."""
    return log_partition(emissions, transitions, mask) - path_score(emissions, transitions, tags, mask)


def path_score(emissions, transitions, tags, mask):
    """The score of given paths, [N].

    Args:
        emissions (Tensor): [N, T, C].
        transitions (Tensor): [C + 2, C]: start, stop, then from each tag to each.
        tags (Tensor): int64 [N, T], 0 to C - 1 also at the padding.
        mask (Tensor): float32 [N, T].
    """
    hot = F.one_hot(tags, transitions.shape[1]) * mask.unsqueeze(2)  # [N, T, C]
    here = (emissions * hot).sum([1, 2])
    between = (paddle.matmul(hot[:, :-1], transitions[2:]) * hot[:, 1:]).sum([1, 2])
    last = mask - paddle.concat([mask[:, 1:], paddle.zeros_like(mask[:, :1])], 1)  # 1 at the last token
    ends = (hot * last.unsqueeze(2)).sum(1)
    return here + between + (hot[:, 0] * transitions[0]).sum(1) + (ends * transitions[1]).sum(1)


def log_partition(emissions, transitions, mask):
    """The log of the sum of exp(score) over all paths, [N], by the forward algorithm.

    Args:
        emissions (Tensor): [N, T, C].
        transitions (Tensor): [C + 2, C].
        mask (Tensor): float32 [N, T].
    """
    between = transitions[2:]
    highest = between.detach().max(0, keepdim=True)  # [1, C]
    weights = (between - highest).exp()
    alpha = transitions[0] + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        top = alpha.detach().max(1, keepdim=True)
        inside = paddle.matmul((alpha - top).exp(), weights)
        moved = paddle.clip(inside, min=1e-35).log() + top + highest + emissions[:, t]
        alive = mask[:, t : t + 1]
        alpha = moved * alive + alpha * (1 - alive)
    alpha = alpha + transitions[1]
    top = alpha.detach().max(1, keepdim=True)
    total = (alpha - top).exp().sum(1).log() + top.squeeze(1)
    return total * mask[:, 0]
