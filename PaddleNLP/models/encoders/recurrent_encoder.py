"""Recurrent encoders: LSTM, GRU and their bidirectional variants over word embeddings.

Shapes in this file:
    N texts of T tokens (padded), E features of an embedding, D of a state.
"""

import paddle
from paddle import nn

from common.layers import recurrent
from common.layers.masks import masked_max, sequence_mask

from .elmo_features import look_up, make_table

CELLS = {"lstm": recurrent.PeepholeLSTM, "gru": recurrent.GRU}


class RecurrentEncoder(nn.Layer):
    """An embedding and one recurrent layer.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): E.
        hidden_size (int): D of each direction.
        cell (str): lstm or gru.
        bidirectional (bool): whether a second direction reads from right to left.
        init (float): initial weights are uniform in [-init, init].
        embedding (ElmoFeatures | None): vectors of the words in their context; null for a table of E features.
    """

    segments = False

    def __init__(
        self, vocab_size, embedding_size=128, hidden_size=128, cell="lstm", bidirectional=False, init=0.1,
        embedding=None,
    ):  # fmt: skip
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; it is one of {', '.join(CELLS)}")
        self.vocab_size = vocab_size
        self.embedding, size = make_table(vocab_size, embedding_size, init, embedding)
        self.recurrent = CELLS[cell](size, hidden_size, 2 if bidirectional else 1, init)
        self.out_channels = self.summary_channels = self.recurrent.out_channels

    def forward(self, input_ids, length):
        """The outputs of every token, [N, T, D], of both directions side by side; 0 at the padding."""
        return self.recurrent(look_up(self.embedding, input_ids, length), length, sequence_mask(length, input_ids))[0]

    def summary(self, sequence, length):
        """tanh of the maximum of each feature over the tokens, [N, D]."""
        return paddle.tanh(masked_max(sequence, sequence_mask(length, sequence)))
