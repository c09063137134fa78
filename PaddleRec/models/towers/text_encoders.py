"""Text encoders: word embeddings to one vector per text.

Shapes in this file:
    N texts, L words (`present` is the mask, bool [N, L]), E features of a word embedding, D of a text.
"""

import paddle
from paddle import nn

from common.layers.masks import masked_sum


class BOWEncoder(nn.Layer):
    """Bag of words: the softsign of the sum of the word embeddings.

    Args:
        in_channels (int): E.
    """

    def __init__(self, in_channels):
        super().__init__()
        self.out_channels = in_channels

    def forward(self, vectors, present):
        """[N, E] of embeddings [N, L, E]."""
        total = masked_sum(vectors, present)
        return total / (1 + total.abs())


class CNNEncoder(nn.Layer):
    """A convolution over the words, tanh and max pooling.

    Args:
        in_channels (int): E.
        hidden (int): D.
        window (int): kernel size of the convolution, an odd number.
    """

    def __init__(self, in_channels, hidden=128, window=3):
        super().__init__()
        self.out_channels = hidden
        self.convolution = nn.Conv1D(in_channels, hidden, window, padding=window // 2)

    def forward(self, vectors, present):
        """[N, D] of embeddings [N, L, E]."""
        mask = present.astype(vectors.dtype).unsqueeze(1)  # [N, 1, L]
        maps = paddle.tanh(self.convolution(vectors.transpose([0, 2, 1]) * mask))
        return (maps * mask - 2 * (1 - mask)).max(-1).clip(min=-1.0)


class GRUEncoder(nn.Layer):
    """The state of a GRU after the last word.

    Args:
        in_channels (int): E.
        hidden (int): D.
    """

    def __init__(self, in_channels, hidden=128):
        super().__init__()
        self.out_channels = hidden
        self.gru = nn.GRU(in_channels, hidden)

    def forward(self, vectors, present):
        """[N, D] of embeddings [N, L, E], padded at the end."""
        hidden, _ = self.gru(vectors)
        counts = present.astype("int64").sum(1, keepdim=True)
        is_last = paddle.arange(1, present.shape[1] + 1).unsqueeze(0) == counts
        return masked_sum(hidden, is_last)
