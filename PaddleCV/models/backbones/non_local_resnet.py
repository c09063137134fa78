"""ResNet with non-local blocks in some of its stages (https://arxiv.org/abs/1711.07971, section 3.3), for images.

Shapes in this file:
    N images of H x W pixels, D channels of h x w cells, E = D / 2 channels of a block.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal

from .resnet import ResNet


class NonLocalResNet(ResNet):
    """A ResNet in which, after every few blocks of some stages, each cell attends to all cells of the image.

    Args:
        depth (int): of the ResNet; with the variant, width, out_indices, freeze_stages, norm, blocks and
            deformable_stages as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies every number of channels, or those of each stage.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained.
        norm (str): bn, frozen_bn or gn.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
        deformable_stages (list[int]): the stages, 0 to 3, whose 3x3 convolutions are deformable.
        stages (list[int]): the stages, 0 to 3, that have non-local blocks.
        every (int): a non-local block follows each that many blocks of such a stage.
    """

    def __init__(
        self, depth=200, variant="vd", width=1.0, out_indices=(0, 1, 2, 3), freeze_stages=0, norm="bn", blocks=None,
        deformable_stages=(), stages=(2,), every=12,
    ):  # fmt: skip
        super().__init__(
            depth, variant, width, out_indices, freeze_stages, norm=norm, blocks=blocks,
            deformable_stages=deformable_stages,
        )  # fmt: skip
        if every < 1 or any(stage not in range(len(self.stages)) or stage < freeze_stages for stage in stages):
            raise ValueError(
                f"NonLocalResNet got stages {list(stages)}, every {every}; allowed: trained ones, 1 or more"
            )
        self.every, self.attending = every, list(stages)
        self.attention = nn.LayerList()
        for stage in self.attending:
            channels, count = self.stages[stage][-1].out_channels, len(self.stages[stage]) // every
            self.attention.append(nn.LayerList([SpaceAttention(channels) for _ in range(count)]))

    def forward(self, image):
        """Features [N, D, h, w] of each of the `out_indices`, of images [N, 3, H, W]."""
        x, found = self.stem(image), []
        for index, stage in enumerate(self.stages):
            for number, block in enumerate(stage, 1):
                x = block(x)
                if index in self.attending and number % self.every == 0:
                    x = self.attention[self.attending.index(index)][number // self.every - 1](x)
            if index in self.out_indices:
                found.append(x)
        return found


class SpaceAttention(nn.Layer):
    """Adds to each cell the softmax-weighted mean of all cells of the image (eq. 4 and 6), without normalization.

    Args:
        channels (int): D.
    """

    def __init__(self, channels):
        super().__init__()
        self.inner = channels // 2
        self.query, self.key, self.value = (
            nn.Conv2D(channels, self.inner, 1, weight_attr=normal(0.01), bias_attr=False) for _ in range(3)
        )
        self.out = nn.Conv2D(self.inner, channels, 1, weight_attr=normal(0.01), bias_attr=False)

    def forward(self, x):
        """Features of the same shape, of features [N, D, h, w]."""
        query, key, value = (conv(x).flatten(2) for conv in (self.query, self.key, self.value))  # [N, E, h w]
        scores = paddle.matmul(query, key, transpose_x=True) * self.inner**-0.5  # [N, h w, h w]
        found = paddle.matmul(value, F.softmax(scores), transpose_y=True)
        return x + self.out(found.reshape([0, self.inner, *paddle.shape(x)[2:]]))
