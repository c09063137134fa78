"""The expanding path of U-Net (https://arxiv.org/abs/1505.04597, figure 1), for the features of any backbone.

Shapes in this file:
    N images, C classes, h x w cells of the finest feature.
"""

import paddle
from paddle import nn

from ..backbones.unet_encoder import double_conv
from ..blocks.upsample import resize_as


class UNetHead(nn.Layer):
    """Enlarges the coarsest feature step by step; each time it is joined with the next finer one, and two convolutions.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone, each twice as fine as the next.
        num_classes (int): C.
        channels (list[int] | None): of each step, the coarsest first; None for half of those of the finer feature,
            and at last all of them, as the original kit has it.
        transposed (bool): enlarges by a transposed 2x2 convolution to half the channels, as the paper does, in place of
            bilinear interpolation.
        kernel_size (int): of the classifier; the original kit has 3, the paper 1.
        norm (str): bn, frozen_bn or gn.
        align_corners (bool): of the interpolation, see `resize_as`.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        channels=None,
        transposed=False,
        kernel_size=3,
        norm="bn",
        align_corners=True,
    ):
        super().__init__()
        finer = in_channels[-2::-1]
        if channels is None:
            channels = [max(1, count // 2) for count in finer[:-1]] + finer[-1:]
        if not finer or len(channels) != len(finer):
            raise ValueError(
                f"UNetHead got {len(in_channels)} features and channels {list(channels)}; two features or more, and "
                "channels for each step between them"
            )
        self.align_corners = align_corners
        self.enlarge, self.steps, before = nn.LayerList(), nn.LayerList(), in_channels[-1]
        for beside, count in zip(finer, channels):
            if transposed:
                self.enlarge.append(nn.Conv2DTranspose(before, max(1, before // 2), 2, stride=2))
                before = max(1, before // 2)
            self.steps.append(nn.Sequential(*double_conv(before + beside, count, norm)))
            before = count
        self.classifier = nn.Conv2D(before, num_classes, kernel_size, padding=kernel_size // 2)

    def forward(self, features):
        """Logits [N, C, h, w]."""
        x = features[-1]
        for number, (step, finer) in enumerate(zip(self.steps, features[-2::-1])):
            x = self.enlarge[number](x) if len(self.enlarge) else x
            x = step(paddle.concat([resize_as(x, finer, self.align_corners), finer], axis=1))
        return self.classifier(x)
