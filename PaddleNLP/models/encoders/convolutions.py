"""Bags and windows of words: BOW, CNN and TextCNN (Kim 2014, https://arxiv.org/abs/1408.5882).

Shapes in this file:
    N texts of T tokens (padded), E features of a token, D of a window.
"""

import paddle
from paddle import nn

from common.layers.masks import mask_of

from ..layers import masked_max, masked_sum, uniform


class BOW(nn.Layer):
    """The sum of the embeddings.

    Args:
        vocab_size (int): tokens known.
        embedding_size (int): E.
        init (float): first weights lie between -init and init.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, init=0.1):
        super().__init__()
        self.vocab_size, self.out_channels, self.summary_channels = vocab_size, embedding_size, embedding_size
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init))

    def forward(self, input_ids, length):
        """The embeddings, [N, T, E], zero at the padding."""
        return self.embedding(input_ids) * mask_of(length, input_ids).unsqueeze(2)

    def summary(self, sequence, length):
        """tanh of the sum over the tokens, [N, E]."""
        return paddle.tanh(masked_sum(sequence, mask_of(length, sequence)))


class TextCNN(nn.Layer):
    """Windows of several widths over the embeddings, and the largest answer of each filter.

    Args:
        vocab_size (int): tokens known.
        embedding_size (int): E.
        filters (int): of each width.
        windows (list[int]): tokens that a filter sees.
        init (float): first weights of the embedding lie between -init and init.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, filters=128, windows=(1, 2, 3), init=0.1):
        super().__init__()
        self.vocab_size, self.windows = vocab_size, tuple(windows)
        self.out_channels = self.summary_channels = filters * len(windows)
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init))
        self.filters = nn.LayerList([nn.Linear(window * embedding_size, filters) for window in windows])

    def forward(self, input_ids, length):
        """tanh of every filter at every token, [N, T, D]."""
        x = self.embedding(input_ids) * mask_of(length, input_ids).unsqueeze(2)
        return paddle.concat(
            [paddle.tanh(linear(windows_of(x, size))) for linear, size in zip(self.filters, self.windows)], 2
        )

    def summary(self, sequence, length):
        """The largest of each filter, [N, D]."""
        return masked_max(sequence, mask_of(length, sequence))


class CNN(TextCNN):
    """Windows of three words.

    Args:
        vocab_size (int): tokens known.
        embedding_size (int): E.
        filters (int): D.
        init (float): first weights of the embedding lie between -init and init.
    """

    def __init__(self, vocab_size, embedding_size=128, filters=128, init=0.1):
        super().__init__(vocab_size, embedding_size, filters, (3,), init)


def windows_of(x, size):
    """The features of `size` neighbouring tokens, from size // 2 before on: [N, T, size E] of [N, T, E]."""
    if size == 1:
        return x
    before, length = size // 2, paddle.shape(x)[1]
    nothing = paddle.zeros_like(x[:, :1])
    padded = paddle.concat([nothing] * before + [x] + [nothing] * (size - 1 - before), 1)
    return paddle.concat([padded[:, k : k + length] for k in range(size)], 2)
