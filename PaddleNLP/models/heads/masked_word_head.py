"""The head that predicts hidden words (Devlin et al. 2018, https://arxiv.org/abs/1810.04805, appendix A.2).

Shapes in this file:
    H features of a token, V tokens of the vocabulary.
"""

import paddle
from paddle import nn

from ..encoders.transformer import ACTIVATIONS, linear


class MaskedWordHead(nn.Layer):
    """A layer with activation and normalization, then the table of the encoder's own embedding, and a bias.

    Args:
        in_channels (int): H, given by the encoder.
        vocab_size (int): V, given by the encoder.
        activation (str): relu or gelu, given by the encoder.
        epsilon (float): added to the variance in layer normalization.
    """

    def __init__(self, in_channels, vocab_size, activation="gelu", epsilon=1e-5):
        super().__init__()
        self.dense, self.activation = linear(in_channels, in_channels), ACTIVATIONS[activation]
        self.norm = nn.LayerNorm(in_channels, epsilon)
        self.bias = self.create_parameter([vocab_size], is_bias=True)

    def forward(self, features, table):
        """Logits [..., V] of features [..., H] by the table [V, H]."""
        x = self.norm(self.activation(self.dense(features)))
        return paddle.matmul(x, table, transpose_y=True) + self.bias
