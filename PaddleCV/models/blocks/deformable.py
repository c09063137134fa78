"""Modulated deformable convolution, DCN v2 (https://arxiv.org/abs/1811.11168, section 3.2, equation 1).

Shapes in this file:
    N images, H x W cells of the input, H' x W' of the output, K positions of the kernel.
"""

from paddle import nn
from paddle.nn import functional as F
from paddle.vision.ops import deform_conv2d

from .batch_norm import batch_norm
from .conv_norm import ACTIVATIONS


class DeformableConv2D(nn.Conv2D):
    """A convolution without bias whose kernel reads from predicted places, with predicted weights.

    A convolution that begins with zeros predicts both, so that it starts as a usual one times a half.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int): odd.
        stride (int): of the convolution.
        groups (int): of the convolution.
        dilation (int): of the convolution.
    """

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, groups=1, dilation=1):
        padding = dilation * (kernel_size - 1) // 2
        super().__init__(*(in_channels, out_channels, kernel_size, stride, padding, dilation, groups), bias_attr=False)
        self.positions = kernel_size**2
        zeros = nn.initializer.Constant(0.0)
        self.offsets = nn.Conv2D(
            *(in_channels, 3 * self.positions, kernel_size, stride, padding, dilation),
            weight_attr=zeros,
            bias_attr=zeros,
        )

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, out_channels, H', W']."""
        predicted = self.offsets(x)  # [N, 3K, H', W']: (y, x) of each position, then its weight
        places, weights = predicted[:, : 2 * self.positions], F.sigmoid(predicted[:, 2 * self.positions :])
        return deform_conv2d(
            x,
            places,
            self.weight,
            stride=self._stride,
            padding=self._padding,
            dilation=self._dilation,
            groups=self._groups,
            mask=weights,
        )


class DeformableConvNorm(nn.Sequential):
    """Deformable convolution, batch normalization, activation; arguments as of ConvNorm."""

    def __init__(
        self, in_channels, out_channels, kernel_size=3, stride=1, groups=1, activation="relu", norm="bn", dilation=1
    ):
        super().__init__(
            ("conv", DeformableConv2D(in_channels, out_channels, kernel_size, stride, groups, dilation)),
            ("norm", batch_norm(out_channels, norm)),
            ("activation", ACTIVATIONS[activation]()),
        )
