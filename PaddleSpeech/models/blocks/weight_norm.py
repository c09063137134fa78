"""Convolutions with weight normalization (Salimans and Kingma, https://arxiv.org/abs/1602.07868).

The weight of an output channel is its direction v, normalized, times its length g.

Shapes in this file:
    N sequences of T steps, C input channels, D output channels, kernels of W taps.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

TINY = 1e-12


class WeightNormConv1D(nn.Layer):
    """A convolution over time that keeps the number of steps; with one tap a linear map of every step.

    Args:
        in_channels (int): C.
        out_channels (int): D.
        kernel_size (int): W, odd.
        dilation (int): steps between taps.
        causal (bool): sees no later step; otherwise the taps are centered.
        gain (float): variance of the output relative to that of the input, at first.
        start (ndarray | None): the first directions float32 [D, C, W]; random ones without it.
    """

    def __init__(self, in_channels, out_channels, kernel_size=1, dilation=1, causal=False, gain=1.0, start=None):
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size is {kernel_size}; it must be odd")
        self.in_channels, self.reach, self.dilation, self.causal = in_channels, kernel_size - 1, dilation, causal
        fan = in_channels * kernel_size
        given = None if start is None else paddle.ParamAttr(initializer=nn.initializer.Assign(start))
        self.weight_v = self.create_parameter(
            [out_channels, in_channels, kernel_size], given or normal((gain / fan) ** 0.5)
        )
        length = nn.initializer.Constant(gain**0.5)  # of v, nearly
        self.weight_g = self.create_parameter([out_channels, 1, 1], paddle.ParamAttr(initializer=length))
        self.bias = self.create_parameter([out_channels], is_bias=True)

    def weight(self):
        """The weight [D, C, W]."""
        return normalized(self.weight_v, self.weight_g)

    def forward(self, x):
        """[N, D, T] of [N, C, T]."""
        before = self.reach * self.dilation
        before, after = (before, 0) if self.causal else (before // 2, before // 2)
        if before or after:
            x = F.pad(x, [before, after], data_format="NCL")
        return F.conv1d(x, self.weight(), self.bias, dilation=self.dilation)

    def project(self, x):
        """[..., D] of [..., C], for one tap."""
        return paddle.matmul(x, self.weight().squeeze(2), transpose_y=True) + self.bias

    def taps(self):
        """(weight [D, C W], bias) for :meth:`step`, computed once for many steps."""
        return self.weight().flatten(1), self.bias

    def step(self, x, past, taps):
        """One step of a causal convolution.

        Args:
            x (Tensor): [N, C].
            past (Tensor): [N, C, (W - 1) dilation], the steps before.
            taps (tuple[Tensor, Tensor]): see :meth:`taps`.

        Returns:
            tuple[Tensor, Tensor]: [N, D], and the past of the next step.
        """
        seen = paddle.concat([past, x.unsqueeze(2)], axis=2)
        chosen = seen[:, :, :: self.dilation].flatten(1)
        return paddle.matmul(chosen, taps[0], transpose_y=True) + taps[1], seen[:, :, 1:]


class WeightNormUpsampling(nn.Layer):
    """A transposed convolution that doubles the number of steps: every step becomes two, by a linear map each.

    Args:
        channels (int): C, of the input and of the output.
        gain (float): variance of the output relative to that of the input, at first.
    """

    def __init__(self, channels, gain=1.0):
        super().__init__()
        self.channels = channels
        self.weight_v = self.create_parameter([channels, channels, 2], normal((gain / channels) ** 0.5))
        length = nn.initializer.Constant((2 * gain) ** 0.5)
        self.weight_g = self.create_parameter([channels, 1, 1], paddle.ParamAttr(initializer=length))
        self.bias = self.create_parameter([channels], is_bias=True)

    def forward(self, x):
        """[N, C, 2 T] of [N, C, T]."""
        weight = normalized(self.weight_v, self.weight_g).transpose([0, 2, 1]).flatten(1)  # [C, 2 C]
        steps = paddle.matmul(x.transpose([0, 2, 1]), weight)  # [N, T, 2 C]
        return steps.reshape([0, -1, self.channels]).transpose([0, 2, 1]) + self.bias.unsqueeze(1)


def normalized(direction, length):
    """Weights [D, ...] of these directions [D, ...] and lengths [D, 1, 1]."""
    square = (direction * direction).sum([1, 2], keepdim=True)
    return direction * (length / paddle.sqrt(square + TINY))
