"""Feed-forward attention: a weighted mean of the features of tokens (Raffel and Ellis, https://arxiv.org/abs/1512.08756,
section 2.1).

Shapes in this file:
    N texts of T tokens (padded), H features of a token.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import masked_sum, sequence_mask


class AttentionPooling(nn.Layer):
    """The mean of the features of the tokens, weighted by the softmax over the tokens of tanh(w x + b).

    Args:
        in_channels (int): H, given by the encoder.
    """

    def __init__(self, in_channels):
        super().__init__()
        self.score = nn.Linear(in_channels, 1)
        self.out_channels = in_channels

    def forward(self, sequence, length):
        """The weighted mean, [N, H]; float32 [N, T, H], int64 [N]."""
        return masked_sum(sequence, self.weights(sequence, length))

    def weights(self, sequence, length):
        """The weight of each token, [N, T]; they add up to 1 over the tokens of a text, padding has 0."""
        scores = paddle.tanh(self.score(sequence)).squeeze(2)
        return F.softmax(scores - (1 - sequence_mask(length, sequence)) * 1e4, axis=1)
