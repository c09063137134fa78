"""MobileNetV2 (https://arxiv.org/abs/1801.04381, table 2).

As the official definition has it, unlike the paper: the first block has a 1x1 convolution before its depthwise one too,
and channels are not rounded to multiples of 8.

Shapes in this file:
    N images of H x W pixels; a stage begins with each halving of H and W, so stage i (0 to 4) has stride 2^(i+1);
    stage 5 is the 1x1 convolution to 1280 channels, of the stride of stage 4.  Other `blocks` have other stages.
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import InvertedResidual
from .output_stride import OutputStride
from .staged import StagedBackbone, check_out_indices
from .tables import check_rows

# expansion, output channels, blocks, stride of the first; a fifth number is the kernel size, 3 without it
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
LAST = 1280


class MobileNetV2(StagedBackbone):
    """Inverted residual blocks with ReLU6, and a 1x1 convolution after them.

    Args:
        scale (float): multiplies every number of channels, but for the last where it is below 1.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 5.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        output_stride (int): of the coarsest features; 8 or 16 dilates the stages beyond it.
        blocks (list[list[int]]): rows of the paper's table 2: expansion, channels, blocks, stride of the first (1, 2),
            and the kernel size, 3 where it is left out; a stage begins with each stride of 2.
        stem_stride (int): of the stem's convolution: 2, or 1 for small images, which halves every stride.
    """

    def __init__(
        self,
        scale=1.0,
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
        blocks=BLOCKS,
        stem_stride=2,
    ):
        super().__init__()
        blocks = check_rows("MobileNetV2", "blocks", blocks, 4)
        last_stage = 1 + sum(row[3] == 2 for row in blocks)
        out_indices = check_out_indices("MobileNetV2", out_indices, last_stage + 1)
        steps = OutputStride("MobileNetV2", output_stride)
        channels = int(32 * scale)
        self.stem = ConvNorm(in_channels, channels, stride=steps.next(stem_stride)[0], activation="relu6", norm=norm)
        stages, widths, strides = [[]], [channels], [steps.reached]
        for expansion, out_channels, count, first_stride, kernel_size in blocks:
            for block in range(count):
                if block == 0 and first_stride == 2:
                    stages.append([])
                    widths.append(0)
                    strides.append(0)
                stride, dilation = steps.next(first_stride if block == 0 else 1)
                expanded, width = channels * expansion, int(out_channels * scale)
                stages[-1].append(
                    (channels, expanded, width, kernel_size, stride, False, "relu6", norm, dilation, True)
                )
                channels = widths[-1] = width
                strides[-1] = steps.reached
        last = int(LAST * max(1.0, scale))
        self.stages = nn.LayerList(
            nn.Sequential(*(InvertedResidual(*block) for block in blocks)) for blocks in stages[: out_indices[-1] + 1]
        )
        if out_indices[-1] == last_stage:
            self.stages.append(ConvNorm(channels, last, kernel_size=1, activation="relu6", norm=norm))
        self.finish(out_indices, [*widths, last], [*strides, steps.reached], freeze_stages)
