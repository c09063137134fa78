"""Three ways from the words of a text to one vector.

Shapes in this file:
    N texts, L words (presence is bool [N, L]), E numbers that come in for a word, D that leave for a text.
"""

import paddle
from paddle import nn

from ..embeddings.sparse_table import pooled


class BagOfWords(nn.Layer):
    """The softsign of the sum of the words' vectors.

    Args:
        in_channels (int): E.
    """

    def __init__(self, in_channels):
        super().__init__()
        self.out_channels = in_channels

    def forward(self, vectors, present):
        """[N, E] of vectors [N, L, E]."""
        total = pooled(vectors, present)
        return total / (1 + total.abs())


class ConvolutionOfWords(nn.Layer):
    """A convolution over the places, tanh, and the maximum of each map.

    Args:
        in_channels (int): E.
        hidden (int): D.
        window (int): words the convolution sees, an odd number.
    """

    def __init__(self, in_channels, hidden=128, window=3):
        super().__init__()
        self.out_channels = hidden
        self.convolution = nn.Conv1D(in_channels, hidden, window, padding=window // 2)

    def forward(self, vectors, present):
        """[N, D] of vectors [N, L, E]."""
        mask = present.astype(vectors.dtype).unsqueeze(1)  # [N, 1, L]
        maps = paddle.tanh(self.convolution(vectors.transpose([0, 2, 1]) * mask))
        return (maps * mask - 2 * (1 - mask)).max(-1).clip(min=-1.0)


class RecurrenceOfWords(nn.Layer):
    """The state of a GRU at the last word.

    Args:
        in_channels (int): E.
        hidden (int): D.
    """

    def __init__(self, in_channels, hidden=128):
        super().__init__()
        self.out_channels = hidden
        self.gru = nn.GRU(in_channels, hidden)

    def forward(self, vectors, present):
        """[N, D] of vectors [N, L, E], padding at the end."""
        hidden, _ = self.gru(vectors)
        counts = present.astype("int64").sum(1, keepdim=True)
        is_last = paddle.arange(1, present.shape[1] + 1).unsqueeze(0) == counts
        return pooled(hidden, is_last)
