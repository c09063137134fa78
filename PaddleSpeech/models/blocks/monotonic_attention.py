"""The attention of Deep Voice 3 (https://arxiv.org/abs/1710.07654, section 3.4), and its encoding of positions.

Shapes in this file:
    N sequences, T steps that ask, S symbols that answer, C channels of steps, E features of symbols.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .gated_convolution import HALF
from .weight_norm import WeightNormConv1D

SLOWEST = 10000.0  # the longest wave length of the positions, over 2 pi
HIDDEN = -1e9  # added to the score of a symbol that must not be seen


class MonotonicAttention(nn.Layer):
    """Dot-product attention of one head. At synthesis it sees a window around the symbol of the step before alone.

    Queries and keys of equal sizes begin with equal projections, so that equal positions attend to each other.

    Args:
        channels (int): C.
        memory_size (int): E.
        dropout (float): of the weights, in training.
        ahead (int): the window ends before this many symbols behind the last one; it has the last one, too.
        back (int): symbols before the last one in the window.
    """

    def __init__(self, channels, memory_size, dropout=0.0, ahead=3, back=1):
        super().__init__()
        if ahead < 1 or back < 0:
            raise ValueError(f"ahead is {ahead}, back {back}; allowed: 1 or more, 0 or more")
        self.dropout, self.ahead, self.back = dropout, ahead, back
        start = paddle.randn([memory_size, channels, 1]).numpy() / channels**0.5 if channels == memory_size else None
        self.query = WeightNormConv1D(channels, memory_size, start=start)
        self.key = WeightNormConv1D(memory_size, memory_size, start=start)
        self.value = WeightNormConv1D(memory_size, memory_size)
        self.output = WeightNormConv1D(memory_size, channels)

    def remember(self, keys, values, mask):
        """The constants of all steps: projected keys and values [N, S, E], scores to add [N, 1, S], the scale.

        Args:
            keys (Tensor): [N, S, E], with their positions.
            values (Tensor): [N, S, E].
            mask (Tensor): float [N, S], 0 at padding.
        """
        scale = paddle.sqrt(mask.sum(1)).reshape([-1, 1, 1])  # a mean of S values has a deviation of 1 / sqrt(S)
        return self.key.project(keys), self.value.project(values), (1 - mask.unsqueeze(1)) * HIDDEN, scale

    def forward(self, x, memory, last=None):
        """(the output [N, T, C], weights [N, T, S]).

        Args:
            x (Tensor): [N, T, C], with the positions of the steps.
            memory (tuple): see :meth:`remember`.
            last (Tensor | None): int64 [N], the symbol of the step before, for a window around it.
        """
        keys, values, hidden, scale = memory
        scores = paddle.matmul(self.query.project(x), keys, transpose_y=True) + hidden
        if last is not None:
            scores = scores + self.outside(last, keys)
        weights = F.softmax(scores, axis=-1)
        mixed = paddle.matmul(F.dropout(weights, self.dropout, training=self.training), values) * scale
        return (self.output.project(mixed) + x) * HALF, weights

    def outside(self, last, keys):
        """Scores to add [N, 1, S]: HIDDEN outside of the window around the last symbols int64 [N]."""
        places, last = paddle.arange(paddle.shape(keys)[1]).astype("int64"), last.reshape([-1, 1, 1])
        out = paddle.logical_or(places < last - self.back, places >= last + self.ahead)
        return out.astype("float32") * HIDDEN


def encode_positions(count, size, rate=1.0):
    """The encoding float32 [count, size] of the positions 1 to `count`, or [N, count, size] for a rate of each.

    Dimension i of position p is the sine (i even) or cosine (odd) of rate * p / 10000 ** (2 (i // 2) / size).

    Args:
        count (int | Tensor): how many.
        size (int): features.
        rate (float | Tensor): steps of a sequence in one of the other; [N, 1] of the speakers.
    """
    pairs = paddle.arange(size).astype("int64") // 2
    speeds = paddle.pow(paddle.full([1], SLOWEST), -2.0 * pairs.astype("float32") / size)  # [size]
    places = (paddle.arange(count).astype("float32") + 1.0) * rate  # [count], or [N, count]
    angles = places.unsqueeze(-1) * speeds
    odd = (paddle.arange(size).astype("int64") % 2).astype("float32")
    return paddle.sin(angles) * (1 - odd) + paddle.cos(angles) * odd
