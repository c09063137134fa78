"""Recurrent layers with batch-normalized inputs (Deep Speech 2, https://arxiv.org/abs/1512.02595, sections 3.2-3.3).

Only the input projection W x is normalized, over all frames of all utterances (sequence-wise), not the recurrent one.

Shapes in this file:
    N utterances of T frames (padded), I features of a frame, D of a state, K gates.
"""

import paddle
from paddle import nn

from common.layers.recurrent import ClippedRNN, ResetAfterGRU

from .sequence_batch_norm import SequenceBatchNorm, sums_of_rows

CELLS = {"rnn": ClippedRNN, "gru": ResetAfterGRU}


class NormalizedProjection(nn.Layer):
    """The batch-normalized input projection of a recurrent layer, B(W x).

    Args:
        in_channels (int): I.
        out_channels (int): K D.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        xavier = nn.initializer.XavierUniform()
        self.weight = self.create_parameter([out_channels, in_channels], default_initializer=xavier)
        self.norm = SequenceBatchNorm(out_channels)

    def forward(self, x, mask):
        """[N, T, K D] of x [N, T, I] and mask float32 [N, T]."""
        x = paddle.matmul(x, self.weight, transpose_y=True)
        scale, shift = self.norm.affine(sums_of_rows(x, mask) if self.training else None)
        return x * scale + shift

    def folded(self, x, mask):
        """The weight [K D, I] and the bias [K D] of the equivalent linear layer.

        In training the batch statistics cost a second product of inputs and weights.
        """
        projected = paddle.matmul(x, self.weight, transpose_y=True) if self.training else None
        scale, shift = self.norm.affine(sums_of_rows(projected, mask) if self.training else None)
        return self.weight * scale.unsqueeze(1), shift


def normalized_recurrent(in_channels, hidden_size, cell="gru", directions=2, share=False):
    """A recurrent layer with batch-normalized inputs (RecurrentLayer).

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        cell (str): gru or rnn, a simple recurrent layer with a clipped ReLU.
        directions (int): 1 or 2.
        share (bool): whether both directions share the input projection.

    Raises:
        ValueError: the cell is unknown.
    """
    if cell not in CELLS:
        raise ValueError(f"cell is {cell!r}; it is one of {', '.join(CELLS)}")
    size = CELLS[cell].gates * hidden_size
    inputs = [NormalizedProjection(in_channels, size) for _ in range(1 if share else directions)]
    return CELLS[cell](inputs, hidden_size, directions)
