"""A bidirectional LSTM whose outputs are averaged by attention (https://arxiv.org/abs/1503.08909, section 3.2).

Shapes in this file:
    N videos of T frames (padded) of I features, E embedded, D of a state.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask
from common.layers.recurrent import PeepholeLSTM


class AttentionLSTM(nn.Layer):
    """One LSTM with attention for the frames and one for the sound; their means are concatenated.

    Args:
        in_channels (list[int]): features of a frame and of its sound.
        embedding_size (int): E.
        hidden_size (int): D, of each direction.
        dropout (float): of the outputs of the LSTMs.
    """

    def __init__(self, in_channels, embedding_size=512, hidden_size=1024, dropout=0.5):
        super().__init__()
        self.branches = nn.LayerList([Branch(size, embedding_size, hidden_size, dropout) for size in in_channels])
        self.out_channels = 2 * hidden_size * len(in_channels)

    def forward(self, streams, length):
        """Vectors [N, out_channels] of streams, tensors [N, T, I], and their lengths int64 [N]."""
        return paddle.concat([branch(x, length) for branch, x in zip(self.branches, streams)], 1)


class Branch(nn.Layer):
    """The LSTM of one stream.

    Args:
        in_channels (int): I.
        embedding_size (int): E.
        hidden_size (int): D.
        dropout (float): of its outputs.
    """

    def __init__(self, in_channels, embedding_size, hidden_size, dropout):
        super().__init__()
        self.embed = nn.Linear(in_channels, embedding_size)
        self.lstm = PeepholeLSTM(embedding_size, hidden_size, init=hidden_size**-0.5)
        self.dropout = nn.Dropout(dropout)
        self.attention = nn.Linear(2 * hidden_size, 1)

    def forward(self, x, length):
        """The mean of the outputs by attention, [N, 2 D]."""
        mask = sequence_mask(length, x)
        found, _ = self.lstm(paddle.tanh(self.embed(x)), length, mask)
        found = self.dropout(found)
        return weighted_mean(found, self.attention(found), mask)[:, 0]


def weighted_mean(x, logits, mask):
    """The means of frames [N, T, D] by the softmax over T of logits [N, T, A], [N, A, D]; padding has no weight."""
    weights = F.softmax(logits + (mask.unsqueeze(2) - 1) * 1e9, axis=1)
    return paddle.matmul(weights, x, transpose_x=True)
