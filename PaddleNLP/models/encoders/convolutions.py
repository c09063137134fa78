"""Bag-of-words and convolutional encoders: BOW, CNN and TextCNN (Kim 2014, https://arxiv.org/abs/1408.5882).

Shapes in this file:
    N texts of T tokens (padded), E features of an embedding, D filters.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.masks import masked_max, masked_sum, sequence_mask

from .elmo_features import look_up, make_table

SQUASH = {"tanh": paddle.tanh, "softsign": F.softsign}


class BOW(nn.Layer):
    """The sum of the word embeddings.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): E.
        init (float): initial weights are uniform in [-init, init].
        squash (str): function of the sum, tanh (Senta) or softsign (SimNet).
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, init=0.1, squash="tanh"):
        super().__init__()
        if squash not in SQUASH:
            raise ValueError(f"squash is {squash!r}; it is tanh or softsign")
        self.squash = SQUASH[squash]
        self.vocab_size, self.out_channels, self.summary_channels = vocab_size, embedding_size, embedding_size
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init))

    def forward(self, input_ids, length):
        """The embeddings, [N, T, E]; 0 at the padding."""
        return self.embedding(input_ids) * sequence_mask(length, input_ids).unsqueeze(2)

    def summary(self, sequence, length):
        """tanh or softsign of the sum over the tokens, [N, E]."""
        return self.squash(masked_sum(sequence, sequence_mask(length, sequence)))


class TextCNN(nn.Layer):
    """Convolutions of several window sizes over the embeddings, and max pooling over the tokens.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): E.
        filters (int): filters of each window size.
        windows (list[int]): window sizes, in tokens.
        init (float): initial embeddings are uniform in [-init, init].
        embedding (ElmoFeatures | None): vectors of the words in their context; null for a table of E features.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, filters=128, windows=(1, 2, 3), init=0.1, embedding=None):
        super().__init__()
        self.vocab_size, self.windows = vocab_size, tuple(windows)
        self.out_channels = self.summary_channels = filters * len(windows)
        self.embedding, size = make_table(vocab_size, embedding_size, init, embedding)
        self.filters = nn.LayerList([nn.Linear(window * size, filters) for window in windows])

    def forward(self, input_ids, length):
        """tanh of every filter at every token, [N, T, D]."""
        x = look_up(self.embedding, input_ids, length) * sequence_mask(length, input_ids).unsqueeze(2)
        return paddle.concat(
            [paddle.tanh(linear(windows_of(x, size))) for linear, size in zip(self.filters, self.windows)], 2
        )

    def summary(self, sequence, length):
        """The maximum of each filter over the tokens, [N, D]."""
        return masked_max(sequence, sequence_mask(length, sequence))


class CNN(TextCNN):
    """TextCNN with windows of three words only.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): E.
        filters (int): D.
        init (float): initial embeddings are uniform in [-init, init].
    """

    def __init__(self, vocab_size, embedding_size=128, filters=128, init=0.1):
        super().__init__(vocab_size, embedding_size, filters, (3,), init)


def windows_of(x, size):
    """The features of `size` neighboring tokens, from size // 2 before on: [N, T, size E] of [N, T, E]."""
    if size == 1:
        return x
    before, length = size // 2, paddle.shape(x)[1]
    nothing = paddle.zeros_like(x[:, :1])
    padded = paddle.concat([nothing] * before + [x] + [nothing] * (size - 1 - before), 1)
    return paddle.concat([padded[:, k : k + length] for k in range(size)], 2)
