"""Viterbi decoding of a linear-chain conditional random field (see `losses/crf_loss.py` for the score of a path).

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

import paddle

from common.layers.masks import sequence_mask
from common.layers.scan import scan


def viterbi(emissions, transitions, length):
    """The path with the highest score of each text, int64 [N, T], 0 at the padding.

    Args:
        emissions (Tensor): [N, T, C].
        transitions (Tensor): [C + 2, C]: start, stop, then from each tag to each.
        length (Tensor): int64 [N].
    """
    mask = sequence_mask(length, emissions)
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
