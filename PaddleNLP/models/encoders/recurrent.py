"""Embeddings read from left to right, or both ways: LSTM, GRU, BiLSTM.

Shapes in this file:
    N texts of T tokens (padded), E features of a token, D of a state.
"""

import paddle
from paddle import nn

from common.layers.masks import mask_of

from .. import layers_recurrent
from ..layers import masked_max, uniform

CELLS = {"lstm": layers_recurrent.LSTM, "gru": layers_recurrent.GRU}


class RecurrentEncoder(nn.Layer):
    """Embedding and one recurrent layer.

    Args:
        vocab_size (int): tokens known.
        embedding_size (int): E.
        hidden_size (int): D of each direction.
        cell (str): lstm or gru.
        bidirectional (bool): read from the right, too.
        init (float): first weights lie between -init and init.
    """

    segments = False

    def __init__(self, vocab_size, embedding_size=128, hidden_size=128, cell="lstm", bidirectional=False, init=0.1):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; it is one of {', '.join(CELLS)}")
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init))
        self.recurrent = CELLS[cell](embedding_size, hidden_size, 2 if bidirectional else 1, init)
        self.out_channels = self.summary_channels = self.recurrent.out_channels

    def forward(self, input_ids, length):
        """The state after every token, [N, T, D], both directions side by side."""
        return self.recurrent(self.embedding(input_ids), mask_of(length, input_ids))

    def summary(self, sequence, length):
        """tanh of the largest of each feature over the tokens, [N, D]."""
        return paddle.tanh(masked_max(sequence, mask_of(length, sequence)))
