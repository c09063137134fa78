"""The backbone of YOLOv3-tiny, as Darknet's `yolov3-tiny.cfg` lists it (https://pjreddie.com/darknet/yolo/).

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1) and 32 * 2^i channels (times `width`), the last 1024.
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

BELOW = [[0, 0], [0, 0], [0, 1], [0, 1]]  # a row below and a column on the right


class DarkNetTiny(StagedBackbone):
    """Seven 3x3 convolutions with maximum pooling between them; the last pooling keeps the size.

    Args:
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, width=1.0, out_indices=(3, 4), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        channels = [max(8, int(16 * 2**i * width)) for i in range(7)]
        out_indices = check_out_indices("DarkNetTiny", out_indices, 5)

        def conv(number):
            return ConvNorm(channels[number - 1], channels[number], activation="leaky_relu", norm=norm)

        self.stem = ConvNorm(in_channels, channels[0], activation="leaky_relu", norm=norm)
        stages = [nn.Sequential(nn.MaxPool2D(2, 2), conv(number)) for number in range(1, 5)]
        stages.append(nn.Sequential(nn.MaxPool2D(2, 2), conv(5), nn.MaxPool2D(2, 1, padding=BELOW), conv(6)))
        self.stages = nn.LayerList(stages[: out_indices[-1] + 1])
        self.finish(out_indices, [*channels[1:5], channels[6]], [2, 4, 8, 16, 32], freeze_stages)
