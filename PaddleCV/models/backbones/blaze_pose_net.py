"""The encoder of BlazePose lite (https://arxiv.org/abs/2006.10204, section 2.3), inverted residuals with ReLU6.

The network is that of the file pose_landmark_lite.tflite of MediaPipe, without its decoder of heat maps and masks.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1).
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import InvertedResidual
from .staged import StagedBackbone, check_out_indices

STEM = 24
# of each stage its blocks: expanded channels, output channels, kernel size, stride
STAGES = (
    ((24, 8, 3, 1),),
    ((32, 16, 3, 2), (96, 16, 3, 1)),
    ((96, 24, 5, 2), (144, 24, 5, 1)),
    ((144, 40, 3, 2), (240, 40, 3, 1), (240, 40, 3, 1), (240, 56, 5, 1), (336, 56, 5, 1), (336, 56, 5, 1)),
    ((336, 96, 5, 2), (576, 96, 5, 1), (576, 96, 5, 1), (576, 96, 5, 1)),
)
LAST = 576


class BlazePoseNet(StagedBackbone):
    """A convolution, fifteen inverted residual blocks in five stages, and a wider pair of convolutions after the last.

    Args:
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, out_indices=(4,), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        out_indices = check_out_indices("BlazePoseNet", out_indices, len(STAGES))
        self.stem = ConvNorm(in_channels, STEM, stride=2, activation="relu6", norm=norm)
        self.stages, channels, widths = nn.LayerList(), STEM, []
        for number, blocks in enumerate(STAGES[: out_indices[-1] + 1]):
            layers = []
            for expanded, out_channels, kernel_size, stride in blocks:
                layers.append(
                    InvertedResidual(channels, expanded, out_channels, kernel_size, stride, False, "relu6", norm)
                )
                channels = out_channels
            if number == len(STAGES) - 1:
                layers.append(ConvNorm(channels, LAST, 1, activation="relu6", norm=norm))
                layers.append(ConvNorm(LAST, LAST, 3, groups=LAST, activation="relu6", norm=norm))
                channels = LAST
            self.stages.append(nn.Sequential(*layers))
            widths.append(channels)
        self.finish(out_indices, widths, [2, 4, 8, 16, 32], freeze_stages)
