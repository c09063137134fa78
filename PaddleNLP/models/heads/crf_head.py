"""A linear chain conditional random field (Lafferty et al. 2001; Sutton and McCallum, https://arxiv.org/abs/1011.4088).

The score of a path y through T tokens is
    start[y_1] + stop[y_T] + sum_t emission[t, y_t] + sum_t transition[y_t-1, y_t]

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import mask_of
from common.layers.scan import scan

from ..layers import uniform


class CRFHead(nn.Layer):
    """Scores of tags, and the transitions between them.

    Args:
        in_channels (int): features of a token, given by the encoder.
        num_classes (int): C.
        init (float): first weights lie between -init and init; 0 for the framework's choice.
        outside (int): the tag that tokens without one count as, such as those that an encoder adds.
    """

    def __init__(self, in_channels, num_classes, init=0.0, outside=0):
        super().__init__()
        self.emission = nn.Linear(in_channels, num_classes, uniform(init) if init else None)
        self.transitions = self.create_parameter(
            [num_classes + 2, num_classes], default_initializer=nn.initializer.Normal(0.0, 0.1)
        )
        self.outside = outside

    def forward(self, features):
        """Scores of the tags of each token, [N, T, C]."""
        return self.emission(features)

    def loss(self, emissions, tags, length):
        """The mean over the texts of -log p(tags), a dict; tags int64 [N, T], -1 counts as `outside`."""
        tags = paddle.where(tags < 0, paddle.full_like(tags, self.outside), tags)
        mask = mask_of(length, emissions)
        negative = log_partition(emissions, self.transitions, mask) - path_score(
            emissions, self.transitions, tags, mask
        )
        return {"loss_crf": negative.mean()}

    def decode(self, emissions, length):
        """The best path of each text, int64 [N, T]; 0 at the padding."""
        return best_path(emissions, self.transitions, length)


def path_score(emissions, transitions, tags, mask):
    """The score of given paths, [N].

    Args:
        emissions (Tensor): [N, T, C].
        transitions (Tensor): [C + 2, C]: start, stop, then from each tag to each.
        tags (Tensor): int64 [N, T], 0 to C - 1 also at the padding.
        mask (Tensor): float32 [N, T].
    """
    count = transitions.shape[1]
    hot = F.one_hot(tags, count) * mask.unsqueeze(2)  # [N, T, C]
    here = (emissions * hot).sum([1, 2])
    between = (paddle.matmul(hot[:, :-1], transitions[2:]) * hot[:, 1:]).sum([1, 2])
    last = mask - paddle.concat([mask[:, 1:], paddle.zeros_like(mask[:, :1])], 1)  # 1 at the last token
    ends = (hot * last.unsqueeze(2)).sum(1)
    return here + between + (hot[:, 0] * transitions[0]).sum(1) + (ends * transitions[1]).sum(1)


def log_partition(emissions, transitions, mask):
    """The log of the sum over all paths of exp(score), [N], by the forward algorithm.

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


def best_path(emissions, transitions, length):
    """The path with the highest score of each text, by Viterbi's algorithm; int64 [N, T], 0 at the padding."""
    mask = mask_of(length, emissions)
    between = transitions[2:]
    tags = paddle.arange(transitions.shape[1], dtype="float32").unsqueeze(0)  # [1, C]
    moves = paddle.concat([paddle.zeros_like(mask[:, :1]), mask[:, 1:]], 1)  # 0 at the first token

    def forward(score, emission, alive):
        ways = score.unsqueeze(2) + between  # [N, from, to]
        source = paddle.argmax(ways, 1).astype("float32")
        return (
            alive * (ways.max(1) + emission) + (1 - alive) * score,
            alive * source + (1 - alive) * tags,
        )

    def backward(here, sources):
        before = paddle.take_along_axis(sources, here.astype("int64"), 1)
        return before, here

    score = transitions[0] + emissions[:, 0]
    rows = [emissions.transpose([1, 0, 2]), moves.transpose([1, 0]).unsqueeze(2)]
    sources, score = scan(forward, rows, score)  # [T, N, C]
    last = paddle.argmax(score + transitions[1], 1, keepdim=True).astype("float32")
    path, _ = scan(backward, [sources.flip(0)], last)  # [T, N, 1]
    return (path.flip(0).squeeze(2).transpose([1, 0]) * mask).astype("int64")
