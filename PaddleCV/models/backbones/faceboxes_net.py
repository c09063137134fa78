"""The network of FaceBoxes (https://arxiv.org/abs/1708.05234, section 3.1 and figure 1).

Shapes in this file:
    N images of H x W pixels, C channels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

EDITIONS = ("paper", "first_pooled", "lite")


class FaceBoxesNet(StagedBackbone):
    """Rapidly digested convolutions with CReLU, three Inception blocks, and convolutions that shrink the image.

    Args:
        edition (str): paper, of strides 32, 64 and 128; first_pooled, the published network, whose Inception blocks
            take the pooled first convolution and leave out the second one, of strides 8, 16 and 32; or lite, the
            published network with four small convolutions, of strides 8 and 16.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int] | None): the stages whose outputs are returned: 0 the Inception blocks, 1 and 2 those
            after them (lite has 0 and 1); None for all.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, edition="paper", width=1.0, out_indices=None, freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        if edition not in EDITIONS:
            raise ValueError(f"FaceBoxesNet has edition {', '.join(EDITIONS)}, not {edition!r}")

        def wide(channels):
            return max(int(channels * width), 1)

        count = 2 if edition == "lite" else 3
        out_indices = check_out_indices("FaceBoxesNet", range(count) if out_indices is None else out_indices, count)
        if edition == "lite":
            stem = [
                ConcatenatedReLU(in_channels, wide(8), 3, 2, norm),
                ConcatenatedReLU(2 * wide(8), wide(24), 3, 2, norm),
                nn.AvgPool2D(3, stride=1, padding=1),
                ConvNorm(2 * wide(24), wide(48), 3, stride=2, norm=norm),
                ConvNorm(wide(48), wide(64), 1, norm=norm),
            ]
            channels, stride = wide(64), 8
        else:
            stem = [ConcatenatedReLU(in_channels, wide(24), 7, 4, norm), nn.MaxPool2D(3, stride=2, padding=1)]
            channels, stride = 2 * wide(24), 8
            if edition == "paper":
                stem += [ConcatenatedReLU(channels, wide(64), 5, 2, norm), nn.MaxPool2D(3, stride=2, padding=1)]
                channels, stride = 2 * wide(64), 32
        self.stem = nn.Sequential(*stem)
        blocks = []
        for _ in range(3):
            blocks.append(FaceInception(channels, wide(32), wide(24), norm))
            channels = 4 * wide(32)
        self.stages = nn.LayerList([nn.Sequential(*blocks)])
        for _ in range(out_indices[-1]):
            shrink = ConvNorm(channels, wide(128), 1, norm=norm), ConvNorm(wide(128), wide(256), 3, 2, norm=norm)
            self.stages.append(nn.Sequential(*shrink))
            channels = wide(256)
        all_channels = [4 * wide(32), wide(256), wide(256)][:count]
        self.finish(out_indices, all_channels, [stride * 2**index for index in range(count)], freeze_stages)


class ConcatenatedReLU(nn.Layer):
    """Convolution, normalization and CReLU: ReLU of x and of -x side by side (section 3.1).

    Args:
        in_channels (int): C of the input.
        channels (int): of the convolution; the output has twice as many.
        kernel_size (int): of the convolution, odd.
        stride (int): of the convolution.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, channels, kernel_size, stride, norm):
        super().__init__()
        self.conv = ConvNorm(in_channels, channels, kernel_size, stride, activation="none", norm=norm)

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, 2 * channels, H / stride, W / stride]."""
        x = self.conv(x)
        return F.relu(paddle.concat([x, -x], axis=1))


class FaceInception(nn.Layer):
    """Four branches of receptive fields of 1, 3 and 5 cells, and of pooled cells, side by side (figure 2).

    Args:
        in_channels (int): C of the input.
        channels (int): of each branch; the output has four times as many.
        reduced (int): channels before a 3x3 convolution.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, channels, reduced, norm):
        super().__init__()
        self.pooled = nn.Sequential(nn.AvgPool2D(3, stride=1, padding=1), ConvNorm(in_channels, channels, 1, norm=norm))
        self.one = ConvNorm(in_channels, channels, 1, norm=norm)
        self.three = nn.Sequential(
            ConvNorm(in_channels, reduced, 1, norm=norm), ConvNorm(reduced, channels, 3, norm=norm)
        )
        self.five = nn.Sequential(
            ConvNorm(in_channels, reduced, 1, norm=norm),
            ConvNorm(reduced, channels, 3, norm=norm),
            ConvNorm(channels, channels, 3, norm=norm),
        )

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, 4 * channels, H, W]."""
        return paddle.concat([self.pooled(x), self.one(x), self.three(x), self.five(x)], axis=1)
