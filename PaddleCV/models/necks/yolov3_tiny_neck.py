"""The neck of YOLOv3-tiny, as Darknet's `yolov3-tiny.cfg` lists it (https://pjreddie.com/darknet/yolo/).

Shapes in this file:
    N images; the input levels run from the finest to the coarsest, the output levels from the coarsest to the finest.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import upsample_nearest


class YOLOv3TinyNeck(nn.Layer):
    """Two levels: a 1x1 and a 3x3 convolution at the coarse one, an upsampled path from the first to the fine one.

    Args:
        in_channels (list[int]): channels of the fine and of the coarse level, given by the backbone.
        channels (int): of the 1x1 convolution, and to the head at the fine level; at the coarse one twice as many.
        norm (str): bn, frozen_bn or gn.

    Raises:
        ValueError: there are more or fewer than two levels.
    """

    def __init__(self, in_channels, channels=256, norm="bn"):
        super().__init__()
        if len(in_channels) != 2:
            raise ValueError(f"YOLOv3TinyNeck takes two levels, the backbone gives {len(in_channels)}; its out_indices")
        fine, coarse = in_channels

        def conv(received, given, kernel_size=3):
            return ConvNorm(received, given, kernel_size=kernel_size, activation="leaky_relu", norm=norm)

        self.reduce = conv(coarse, channels, 1)
        self.coarse = conv(channels, 2 * channels)
        self.down = conv(channels, channels // 2, 1)
        self.fine = conv(channels // 2 + fine, channels)
        self.out_channels = [2 * channels, channels]

    def forward(self, features):
        """Features [N, out_channels, H, W] of both levels, the coarsest first."""
        fine, coarse = features
        route = self.reduce(coarse)
        carried = upsample_nearest(self.down(route))
        return [self.coarse(route), self.fine(paddle.concat([carried, fine], axis=1))]
