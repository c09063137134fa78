"""Matching of short texts by the matrix of the likenesses of their words (MM-DNN of SimNet).

Pang et al. 2016 (MatchPyramid, https://arxiv.org/abs/1602.06359) read the matrix like an image; here the words are the
outputs of a bidirectional LSTM, as in MV-LSTM (https://arxiv.org/abs/1511.08277).

Shapes in this file:
    N samples whose texts together have T tokens (padded); S tokens of each are compared, C channels, D features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from ..encoders.recurrent_encoder import RecurrentEncoder
from .text_matcher import Matcher, text_of


class MatchMatrix(Matcher):
    """Inner products of all pairs of words, a convolution, maximum pooling over a grid, and a hidden layer.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): features of the embedding.
        lstm_size (int): features of each direction of the LSTM.
        words (int): S; words behind these are not compared.
        channels (int): C of the convolution.
        kernel (int): size of the convolution, odd.
        grid (int): cells of the pooling along each side; divides S.
        hidden_size (int): D.
        pairwise (bool): learns that the second text matches better than the third one; false learns the label.
        margin (float): of the pairwise loss.
    """

    def __init__(
        self, vocab_size, embedding_size=128, lstm_size=128, words=32, channels=8, kernel=3, grid=8, hidden_size=128,
        pairwise=False, margin=0.1,
    ):  # fmt: skip
        super().__init__(pairwise, margin)
        if words % grid:
            raise ValueError(f"words is {words}, not a multiple of grid, {grid}")
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; it is odd")
        self.vocab_size, self.words, self.cell = vocab_size, words, words // grid
        self.encoder = RecurrentEncoder(vocab_size, embedding_size, lstm_size, "lstm", True)
        self.scale = self.encoder.out_channels**-0.5
        self.convolution = nn.Conv2D(1, channels, kernel, padding=kernel // 2)
        self.hidden = nn.Linear(channels * grid**2, hidden_size)
        self.output = nn.Linear(hidden_size, 1, bias_attr=False) if pairwise else nn.Linear(hidden_size, 2)

    def compare(self, input_ids, token_type_ids, length, other):
        """See Matcher; the scores are a tanh."""
        (left, rows), (right, columns) = (
            self.features(*text_of(input_ids, token_type_ids, length, which)) for which in (0, other)
        )
        seen = rows.unsqueeze(2) * columns.unsqueeze(1)  # [N, S, S]
        matrix = paddle.matmul(left, right, transpose_y=True) * self.scale
        found = F.relu(self.convolution(matrix.unsqueeze(1))) * seen.unsqueeze(1)
        found = F.max_pool2d(found, self.cell, self.cell).flatten(1)
        found = self.output(F.relu(self.hidden(found)))
        return paddle.tanh(found.squeeze(1)) if self.pairwise else found

    def features(self, ids, length):
        """The words of a text, cut or padded to [N, S, features], 0 at the padding, and their mask [N, S]."""
        found = self.encoder(ids, length)
        padding = paddle.zeros([paddle.shape(ids)[0], self.words, self.encoder.out_channels])
        found = paddle.concat([found, padding], 1)[:, : self.words]
        return found, sequence_mask(length, found)
