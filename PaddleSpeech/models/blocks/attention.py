"""A Transformer block with normalization before each part (pre-norm; Whisper, https://arxiv.org/abs/2212.04356).

Shapes in this file:
    N recordings, T steps that ask, S steps that answer, H features, A heads of H / A features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class MultiHeadAttention(nn.Layer):
    """softmax(q k / sqrt(H / A)) v of every head, concatenated and projected; keys have no bias.

    Args:
        hidden_size (int): H.
        heads (int): A.
    """

    def __init__(self, hidden_size, heads):
        super().__init__()
        self.heads, self.size = heads, hidden_size // heads
        self.query, self.value, self.output = (nn.Linear(hidden_size, hidden_size) for _ in range(3))
        self.key = nn.Linear(hidden_size, hidden_size, bias_attr=False)

    def forward(self, x, keys, values, bias=None):
        """[N, T, H].

        Args:
            x (Tensor): [N, T, H], of which the queries are made.
            keys (Tensor): [N, S, H], from `key`.
            values (Tensor): [N, S, H], from `value`.
            bias (Tensor | None): added to the scores of every head, [T, S].
        """
        query, keys, values = (
            part.reshape([0, 0, self.heads, self.size]).transpose([0, 2, 1, 3])
            for part in (self.query(x), keys, values)
        )
        scores = paddle.matmul(query * self.size**-0.5, keys, transpose_y=True)
        weights = F.softmax(scores if bias is None else scores + bias)
        return self.output(
            paddle.matmul(weights, values).transpose([0, 2, 1, 3]).reshape([0, 0, self.heads * self.size])
        )


class PreNormBlock(nn.Layer):
    """Self-attention, in a decoder attention to the encoder, and a feed-forward part of 4 H, each with a residual.

    Args:
        hidden_size (int): H.
        heads (int): A.
        crosses (bool): attends to an encoder too.
    """

    def __init__(self, hidden_size, heads, crosses=False):
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"hidden_size {hidden_size} is not a multiple of heads {heads}")
        self.self_norm, self.self_attention = nn.LayerNorm(hidden_size), MultiHeadAttention(hidden_size, heads)
        if crosses:
            self.cross_norm, self.cross_attention = nn.LayerNorm(hidden_size), MultiHeadAttention(hidden_size, heads)
        self.norm = nn.LayerNorm(hidden_size)
        self.wide, self.narrow = nn.Linear(hidden_size, 4 * hidden_size), nn.Linear(4 * hidden_size, hidden_size)

    def forward(self, x, bias=None, past=None, memory=None):
        """The features after the block, and the keys and values of its self-attention.

        Args:
            x (Tensor): [N, T, H].
            bias (Tensor | None): added to the scores of the self-attention, [T, S].
            past (tuple[Tensor, Tensor] | None): keys and values of the steps before, [N, S - T, H] each.
            memory (tuple[Tensor, Tensor] | None): keys and values of the encoder, see :meth:`remember`.

        Returns:
            tuple[Tensor, tuple[Tensor, Tensor]]: [N, T, H], and keys and values [N, S, H].
        """
        asked = self.self_norm(x)
        keys, values = self.self_attention.key(asked), self.self_attention.value(asked)
        if past is not None:
            keys, values = paddle.concat([past[0], keys], 1), paddle.concat([past[1], values], 1)
        x = x + self.self_attention(asked, keys, values, bias)
        if memory is not None:
            x = x + self.cross_attention(self.cross_norm(x), *memory)
        return x + self.narrow(F.gelu(self.wide(self.norm(x)))), (keys, values)

    def remember(self, features):
        """Keys and values [N, S, H] of the features of an encoder [N, S, H]."""
        return self.cross_attention.key(features), self.cross_attention.value(features)
