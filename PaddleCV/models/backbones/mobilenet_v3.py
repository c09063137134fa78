"""Searching for MobileNetV3 (https://arxiv.org/abs/1905.02244, tables 1 and 2).

The hard sigmoid of the squeeze and excitation has the official slope 0.2, not the paper's 1/6.

Shapes in this file:
    N images of H x W pixels; a stage begins with each halving of H and W, so stage i (0 to 4) has stride 2^(i+1);
    stage 5 is the 1x1 convolution after the blocks, of the stride of stage 4.
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import InvertedResidual
from .output_stride import OutputStride
from .staged import StagedBackbone, check_out_indices
from .tables import divisible

LAST = {"large": 960, "small": 576}  # channels of the 1x1 convolution after the blocks
# kernel size, expanded channels, output channels, squeeze and excitation, activation, stride
BLOCKS = {
    "large": (
        (3, 16, 16, False, "relu", 1),
        (3, 64, 24, False, "relu", 2),
        (3, 72, 24, False, "relu", 1),
        (5, 72, 40, True, "relu", 2),
        (5, 120, 40, True, "relu", 1),
        (5, 120, 40, True, "relu", 1),
        (3, 240, 80, False, "hard_swish", 2),
        (3, 200, 80, False, "hard_swish", 1),
        (3, 184, 80, False, "hard_swish", 1),
        (3, 184, 80, False, "hard_swish", 1),
        (3, 480, 112, True, "hard_swish", 1),
        (3, 672, 112, True, "hard_swish", 1),
        (5, 672, 160, True, "hard_swish", 2),
        (5, 960, 160, True, "hard_swish", 1),
        (5, 960, 160, True, "hard_swish", 1),
    ),
    "small": (
        (3, 16, 16, True, "relu", 2),
        (3, 72, 24, False, "relu", 2),
        (3, 88, 24, False, "relu", 1),
        (5, 96, 40, True, "hard_swish", 2),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 120, 48, True, "hard_swish", 1),
        (5, 144, 48, True, "hard_swish", 1),
        (5, 288, 96, True, "hard_swish", 2),
        (5, 576, 96, True, "hard_swish", 1),
        (5, 576, 96, True, "hard_swish", 1),
    ),
}


class MobileNetV3(StagedBackbone):
    """Inverted residual blocks with hard swish and squeeze and excitation, and a 1x1 convolution after them.

    Args:
        model (str): large or small.
        scale (float): multiplies every number of channels, which stay multiples of 8.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 5.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        output_stride (int): of the coarsest features; 8 or 16 dilates the stages beyond it.
        stem_stride (int): of the first convolution; 1 for images of a few dozen pixels halves all strides.
        always_expand (bool): whether the first block has a 1x1 convolution before its depthwise one, as PaddleClas 2
            and its weights do; the first official definition, as the paper, has none where it adds no channels.
        keep_width (bool): the blocks halve heights alone, so that the columns of a line of text stay apart.
    """

    def __init__(
        self,
        model="large",
        scale=1.0,
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
        stem_stride=2,
        always_expand=False,
        keep_width=False,
    ):
        super().__init__()
        if model not in BLOCKS:
            raise ValueError(f"MobileNetV3 is {' or '.join(BLOCKS)}, not {model!r}")
        out_indices = check_out_indices("MobileNetV3", out_indices, 6)
        steps = OutputStride("MobileNetV3", output_stride)
        channels = divisible(16 * scale)
        self.stem = ConvNorm(
            in_channels, channels, stride=steps.next(stem_stride)[0], activation="hard_swish", norm=norm
        )
        stages, widths, strides = [[]], [channels], [steps.reached]
        for kernel_size, expanded, out_channels, excite, activation, stride in BLOCKS[model]:
            if stride == 2:
                stages.append([])
                widths.append(0)
                strides.append(0)
            stride, dilation = steps.next(stride)
            stride = (2, 1) if keep_width and stride == 2 else stride
            expanded, width = divisible(expanded * scale), divisible(out_channels * scale)
            block = (channels, expanded, width, kernel_size, stride, excite, activation, norm, dilation, always_expand)
            stages[-1].append(InvertedResidual(*block))
            channels = widths[-1] = width
            strides[-1] = steps.reached
        self.stages = nn.LayerList(nn.Sequential(*blocks) for blocks in stages[: out_indices[-1] + 1])
        last = divisible(LAST[model] * scale)
        if out_indices[-1] == 5:
            self.stages.append(ConvNorm(channels, last, kernel_size=1, activation="hard_swish", norm=norm))
        self.finish(out_indices, [*widths, last], [*strides, steps.reached], freeze_stages)
