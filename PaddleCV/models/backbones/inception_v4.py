"""Inception-v4 (https://arxiv.org/abs/1602.07261, figures 3 to 9).

As in the published weights, the two long kernels of the stem are 7x1 and then 1x7, those of the B modules 1x7 first;
average poolings leave the padding out.  Layers of stride 2 are not padded, nor are those that the paper marks with V,
so that 299 pixels become 35, 17 and 8.

The tables below are the figures.  A branch is a list of steps, from the image on: (kernel, channels) is a convolution
that keeps H and W, (kernel, channels, 2) one of stride 2, (kernel, channels, VALID) one without padding; MEAN and MAX
are 3x3 poolings, of stride 1 and 2; and a list stands for branches side by side, whose channels follow one another.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 2) has about 1/2^(i+3) of H and W, and 384, 1024 and 1536 channels.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

MEAN, MAX, VALID = "mean", "max", "valid"
TALL, FLAT, HIGH, LOW = (7, 1), (1, 7), (3, 1), (1, 3)

STEM = (
    (3, 32, 2),
    (3, 32, VALID),
    (3, 64),
    [(MAX,), ((3, 96, 2),)],
    [((1, 64), (3, 96, VALID)), ((1, 64), (TALL, 64), (FLAT, 64), (3, 96, VALID))],
    [((3, 192, 2),), (MAX,)],
)
MODULE_A = [(MEAN, (1, 96)), ((1, 96),), ((1, 64), (3, 96)), ((1, 64), (3, 96), (3, 96))]
REDUCTION_A = [(MAX,), ((3, 384, 2),), ((1, 192), (3, 224), (3, 256, 2))]
MODULE_B = [
    (MEAN, (1, 128)),
    ((1, 384),),
    ((1, 192), (FLAT, 224), (TALL, 256)),
    ((1, 192), (FLAT, 192), (TALL, 224), (FLAT, 224), (TALL, 256)),
]
REDUCTION_B = [(MAX,), ((1, 192), (3, 192, 2)), ((1, 256), (FLAT, 256), (TALL, 320), (3, 320, 2))]
MODULE_C = [
    (MEAN, (1, 256)),
    ((1, 256),),
    ((1, 384), [((LOW, 256),), ((HIGH, 256),)]),
    ((1, 384), (LOW, 448), (HIGH, 512), [((LOW, 256),), ((HIGH, 256),)]),
]


class InceptionV4(StagedBackbone):
    """Stem and A modules, reduction and B modules, reduction and C modules: three stages.

    Args:
        blocks (list[int]): A, B and C modules, at least one of each.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 2.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, blocks=(4, 7, 3), width=1.0, out_indices=(0, 1, 2), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        if len(blocks) != 3 or min(blocks) < 1:
            raise ValueError(f"InceptionV4 has A, B and C modules; blocks gives a number of each, not {list(blocks)}")
        out_indices = check_out_indices("InceptionV4", out_indices, 3)
        tables = (
            [MODULE_A] * blocks[0],
            [REDUCTION_A, *[MODULE_B] * blocks[1]],
            [REDUCTION_B, *[MODULE_C] * blocks[2]],
        )
        self.stem = Branch(in_channels, STEM, width, norm)
        channels = self.stem.out_channels
        self.stages = nn.LayerList()
        widths = []
        for index in range(out_indices[-1] + 1):
            stage = Branch(channels, tables[index], width, norm)
            channels = stage.out_channels
            self.stages.append(stage)
            widths.append(channels)
        self.finish(out_indices, widths, [2 ** (i + 3) for i in range(3)], freeze_stages)


class Branch(nn.Sequential):
    """The steps of a table one after another."""

    def __init__(self, in_channels, steps, width, norm):
        layers = []
        for step in steps:
            if step == MEAN:
                layer = nn.AvgPool2D(3, stride=1, padding=1)
            elif step == MAX:
                layer = nn.MaxPool2D(3, stride=2)
            elif isinstance(step, list):
                layer = Branches(in_channels, step, width, norm)
                in_channels = layer.out_channels
            else:
                kernel_size, channels, kind = (*step, None)[:3]
                channels = int(channels * width)
                stride, padding = (2 if kind == 2 else 1), (None if kind is None else 0)
                layer = ConvNorm(in_channels, channels, kernel_size, stride, norm=norm, padding=padding)
                in_channels = channels
            layers.append(layer)
        super().__init__(*layers)
        self.out_channels = in_channels


class Branches(nn.Layer):
    """Branches of the same input side by side, their channels one after another."""

    def __init__(self, in_channels, tables, width, norm):
        super().__init__()
        self.branches = nn.LayerList(Branch(in_channels, steps, width, norm) for steps in tables)
        self.out_channels = sum(branch.out_channels for branch in self.branches)

    def forward(self, x):
        return paddle.concat([branch(x) for branch in self.branches], axis=1)
