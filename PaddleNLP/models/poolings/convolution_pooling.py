"""Convolutions of several windows over the features of tokens, and their maxima (Kim 2014, section 2:
https://arxiv.org/abs/1408.5882).

Shapes in this file:
    N texts of T tokens (padded), H features of a token, F filters of each window, D = F times the number of windows.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import masked_max, sequence_mask

from ..encoders.convolutions import windows_of


class ConvolutionPooling(nn.Layer):
    """Convolution, batch normalization, ReLU, and the maximum over the tokens of the text, of each window size.

    Args:
        in_channels (int): H, given by the encoder.
        filters (int): F.
        windows (list[int]): window sizes, in tokens.
    """

    def __init__(self, in_channels, filters=100, windows=(3, 4, 5)):
        super().__init__()
        if filters < 1 or not windows or min(windows) < 1:
            raise ValueError(
                f"ConvolutionPooling got filters {filters} and windows {list(windows)}; allowed: 1 or more"
            )
        self.windows, self.out_channels = tuple(windows), filters * len(windows)
        self.filters = nn.LayerList([nn.Linear(window * in_channels, filters) for window in windows])
        self.norms = nn.LayerList([nn.BatchNorm1D(filters) for _ in windows])

    def forward(self, sequence, length):
        """The maximum of each filter over the tokens, [N, D]; float32 [N, T, H], int64 [N]."""
        mask = sequence_mask(length, sequence)
        sequence = sequence * mask.unsqueeze(2)
        found = []
        for linear, norm, size in zip(self.filters, self.norms, self.windows):
            x = linear(windows_of(sequence, size))
            rows = norm(x.reshape([-1, x.shape[2]]))  # oneDNN fails on three axes, [N, T, F], before a concatenation
            found.append(masked_max(F.relu(rows).reshape(paddle.shape(x)), mask))
        return paddle.concat(found, 1)
