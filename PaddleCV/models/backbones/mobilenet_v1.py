"""MobileNets (https://arxiv.org/abs/1704.04861, table 1), with ReLU or, as TensorFlow has them, ReLU6.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1) and 64 * 2^i channels (times `scale`).
"""

import itertools
import operator

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import DepthwiseSeparable
from .staged import StagedBackbone, check_out_indices
from .tables import check_rows

# (output channels, stride of the first block, blocks) of each stage
STAGES = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 2, 6), (1024, 2, 2))


class MobileNetV1(StagedBackbone):
    """A convolution and thirteen depthwise separable ones, in five stages.

    Args:
        scale (float): multiplies every number of channels; 0.25, 0.5, 0.75 and 1.0 are the paper's.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        stem_stride (int): of the stem's convolution: 2, or 1 for small images, which halves every stride.
        stages (list[list[int]]): channels, stride of the first block, blocks of each, and the kernel size, 3 where it
            is left out.
        activation (str): one of ConvNorm.
        same (bool): padding is TensorFlow's SAME; else it is equal on all sides.
    """

    def __init__(
        self,
        scale=1.0,
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        stem_stride=2,
        stages=STAGES,
        activation="relu",
        same=False,
    ):
        super().__init__()
        rows = check_rows("MobileNetV1", "stages", stages, 3)
        out_indices = check_out_indices("MobileNetV1", out_indices, len(rows))
        channels = int(32 * scale)
        style = {"activation": activation, "padding": "same" if same else None}
        self.stem = ConvNorm(in_channels, channels, stride=stem_stride, norm=norm, **style)
        self.stages = nn.LayerList()
        for width, stride, count, kernel_size in rows[: out_indices[-1] + 1]:
            blocks = []
            for block in range(count):
                steps = (stride if block == 0 else 1, norm)
                blocks.append(
                    DepthwiseSeparable(channels, int(width * scale), *steps, kernel_size=kernel_size, **style)
                )
                channels = int(width * scale)
            self.stages.append(nn.Sequential(*blocks))
        self.finish(
            out_indices,
            channels=[int(row[0] * scale) for row in rows],
            strides=list(itertools.accumulate((row[1] for row in rows), operator.mul, initial=stem_stride))[1:],
            freeze_stages=freeze_stages,
        )
