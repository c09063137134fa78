"""The convolution block of Deep Voice 3 (https://arxiv.org/abs/1710.07654, section 3.3): gated, residual, dropout.

Shapes in this file:
    N sequences of T steps, C channels, P features of a speaker.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .weight_norm import WeightNormConv1D

HALF = 0.5**0.5  # keeps the variance of a sum of two


class GatedConvolution(nn.Layer):
    """A convolution to twice the channels: one half, to which the speaker is added, times the sigmoid of the other one.

    Args:
        channels (int): C.
        kernel_size (int): taps.
        dilation (int): steps between taps.
        causal (bool): sees no later step.
        dropout (float): of the input, in training.
        gain (float): of the initial weights.
        residual (bool): adds the input; the sum is scaled by the root of a half.
        speaker_size (int): P; 0 for a single speaker.
    """

    def __init__(
        self, channels, kernel_size=3, dilation=1, causal=False, dropout=0.0, gain=4.0, residual=True, speaker_size=0
    ):
        super().__init__()
        self.dropout, self.residual = dropout, residual
        self.conv = WeightNormConv1D(channels, 2 * channels, kernel_size, dilation, causal, gain=gain * (1 - dropout))
        self.speaker = WeightNormConv1D(speaker_size, channels) if speaker_size else None

    def forward(self, x, speaker=None, mask=None):
        """[N, C, T] of [N, C, T].

        Args:
            x (Tensor): [N, C, T].
            speaker (Tensor | None): [N, P].
            mask (Tensor | None): float [N, 1, T], 0 at padding, which the convolution sees as zeros.
        """
        seen = F.dropout(x, self.dropout, training=self.training)
        seen = seen if mask is None else seen * mask
        return self.combine(x, self.conv(seen), self.shift(speaker, 2))

    def begin(self, like):
        """The past before the first step: zeros [N, C, reach], for N of `like` [N, ...]."""
        rows = like.flatten(1)[:, :1].unsqueeze(2) * 0  # [N, 1, 1]
        return rows + paddle.zeros([1, self.conv.in_channels, self.conv.reach * self.conv.dilation])

    def constants(self, speaker):
        """The constants of every :meth:`step`: the taps, and the shift [N, C] of the speakers."""
        return self.conv.taps(), self.shift(speaker, 1)

    def step(self, x, past, constants):
        """One step [N, C] of a causal block: ([N, C], the past of the next step)."""
        found, past = self.conv.step(x, past, constants[0])
        return self.combine(x, found, constants[1]), past

    def shift(self, speaker, ndim):
        """The shift by a speaker, [N, C], with another axis behind it where `ndim` is 2; None without speakers."""
        if self.speaker is None:
            return None
        shift = F.softsign(self.speaker.project(speaker))
        return shift.unsqueeze(2) if ndim == 2 else shift

    def combine(self, x, found, shift):
        """The output for an input, the output of the convolution, and the shift of the speaker."""
        value, gate = found.chunk(2, axis=1)
        value = (value if shift is None else value + shift) * F.sigmoid(gate)
        return (x + value) * HALF if self.residual else value
