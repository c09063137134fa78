"""Transformer blocks with normalization before each part (pre-norm), whose keys and values may be carried on.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; layer normalization at the inputs of the parts as in its later
implementation (tensor2tensor) and in Whisper (https://arxiv.org/abs/2212.04356).

Shapes in this file:
    N sequences, T steps that ask, S steps that answer, H features, A heads of D = H / A features, K beams.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}
SLOWEST = 10000.0  # the longest wave length of the positions, over 2 pi
HIDDEN = -1e9  # added to the score of a step that must not be seen


class MultiHeadAttention(nn.Layer):
    """softmax(q k / sqrt(D)) v of every head, concatenated and projected.

    Args:
        hidden_size (int): H.
        heads (int): A.
        biased (tuple[str]): projections that have a bias, of query, key, value and output.
        dropout (float): of the weights of the softmax, in training.
    """

    def __init__(self, hidden_size, heads, biased=("query", "value", "output"), dropout=0.0):
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of heads {heads}")
        self.heads, self.size, self.dropout = heads, hidden_size // heads, dropout
        for name in ("query", "value", "output", "key"):
            setattr(self, name, nn.Linear(hidden_size, hidden_size, bias_attr=None if name in biased else False))

    def remember(self, x):
        """Keys and values of every head, [N, A, S, D] each, of steps [N, S, H]."""
        return self.split(self.key(x)), self.split(self.value(x))

    def split(self, x):
        """[N, T, H] as [N, A, T, D]."""
        return x.reshape([0, 0, self.heads, self.size]).transpose([0, 2, 1, 3])

    def forward(self, x, memory, bias=None):
        """The features that steps ask for, [N, T, H].

        Args:
            x (Tensor): [N, T, H], of which the queries are made.
            memory (tuple[Tensor, Tensor]): keys and values [N, A, S, D].
            bias (Tensor | None): added to the scores [N, A, T, S] of every head.
        """
        keys, values = memory
        scores = paddle.matmul(self.split(self.query(x)) * self.size**-0.5, keys, transpose_y=True)
        weights = F.softmax(scores if bias is None else scores + bias)
        weights = F.dropout(weights, self.dropout, training=self.training) if self.dropout else weights
        found = paddle.matmul(weights, values).transpose([0, 2, 1, 3])
        return self.output(found.reshape([0, 0, self.heads * self.size]))


class PreNormBlock(nn.Layer):
    """Self-attention, in a decoder attention to the encoder, and a feed-forward part, each with a residual.

    Args:
        hidden_size (int): H.
        heads (int): A.
        crosses (bool): attends to an encoder too.
        inner_size (int | None): features within the feed-forward part; None for 4 H.
        activation (str): relu or gelu, of the feed-forward part.
        biased (tuple[str]): see MultiHeadAttention.
        dropout (float): of what is added to a residual, of attention weights and within the feed-forward part.
    """

    def __init__(
        self, hidden_size, heads, crosses=False, inner_size=None, activation="gelu",
        biased=("query", "value", "output"), dropout=0.0,
    ):  # fmt: skip
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; it is {' or '.join(ACTIVATIONS)}")
        self.activation, self.dropout = ACTIVATIONS[activation], dropout
        inner_size = inner_size or 4 * hidden_size
        self.self_norm = nn.LayerNorm(hidden_size)
        self.self_attention = MultiHeadAttention(hidden_size, heads, biased, dropout)
        if crosses:
            self.cross_norm = nn.LayerNorm(hidden_size)
            self.cross_attention = MultiHeadAttention(hidden_size, heads, biased, dropout)
        self.norm = nn.LayerNorm(hidden_size)
        self.wide, self.narrow = nn.Linear(hidden_size, inner_size), nn.Linear(inner_size, hidden_size)

    def forward(self, x, bias=None, past=None, memory=None, memory_bias=None, beams=1):
        """The features after the block, and the keys and values of its self-attention.

        Args:
            x (Tensor): [N, T, H]; with beams [N*K, 1, H], the K hypotheses of a row behind each other.
            bias (Tensor | None): added to the scores of the self-attention, such as [T, S] or [N, 1, 1, S].
            past (tuple[Tensor, Tensor] | None): keys and values of the steps before, [N, A, S - T, D] each.
            memory (tuple[Tensor, Tensor] | None): keys and values of the encoder, see :meth:`remember`; one of a row,
                which its hypotheses share.
            memory_bias (Tensor | None): added to the scores of the attention to the encoder, [N, 1, 1, S].
            beams (int): K.

        Returns:
            tuple[Tensor, tuple[Tensor, Tensor]]: [N, T, H], and keys and values [N, A, S, D].
        """
        asked = self.self_norm(x)
        own = self.self_attention.remember(asked)
        if past is not None:
            own = tuple(paddle.concat([before, new], 2) for before, new in zip(past, own))
        x = x + self.drop(self.self_attention(asked, own, bias))
        if memory is not None:
            asked = self.cross_norm(x)
            shared = asked if beams == 1 else asked.reshape([-1, beams, x.shape[2]])
            found = self.cross_attention(shared, memory, memory_bias)
            x = x + self.drop(found if beams == 1 else found.reshape([-1, 1, x.shape[2]]))
        return x + self.drop(self.narrow(self.drop(self.activation(self.wide(self.norm(x)))))), own

    def remember(self, features):
        """Keys and values [N, A, S, D] of the features of an encoder [N, S, H]."""
        return self.cross_attention.remember(features)

    def drop(self, x):
        """Dropout, where there is any."""
        return F.dropout(x, self.dropout, training=self.training) if self.dropout else x


def causal_bias(size):
    """The scores [size, size] to add so that no step sees a later one: 0 or -1e9."""
    return paddle.triu(paddle.full([size, size], HIDDEN), 1)


def sinusoids(length, channels):
    """Positions float32 [length, channels]: sines in the first half of the channels, cosines in the second.

    Args:
        length (int): T.
        channels (int): H, an even number, at least 4.

    Raises:
        ValueError: there are too few channels, or an odd number.
    """
    if channels < 4 or channels % 2:
        raise ValueError(f"positions have an even number of channels, at least 4, not {channels}")
    half = channels // 2
    angles = np.arange(length)[:, None] * SLOWEST ** (-np.arange(half) / (half - 1))
    return np.concatenate([np.sin(angles), np.cos(angles)], 1).astype(np.float32)
