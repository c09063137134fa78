"""MobileNets (https://arxiv.org/abs/1704.04861, table 1), with ReLU.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1) and 64 * 2^i channels (times `scale`).
"""

from paddle import nn

from ..layers import ConvNorm, check_out_indices, freeze

# (channels that go out, stride of the first block, blocks) of each stage
STAGES = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 2, 6), (1024, 2, 2))


class MobileNetV1(nn.Layer):
    """A convolution and thirteen depthwise separable ones, in five stages.

    Args:
        scale (float): multiplies every number of channels; 0.25, 0.5, 0.75 and 1.0 are the paper's.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the picture.
        norm (str): bn or frozen_bn.
    """

    def __init__(self, scale=1.0, out_indices=(2, 3, 4), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        self.out_indices = check_out_indices("MobileNetV1", out_indices, len(STAGES))
        channels = int(32 * scale)
        self.stem = ConvNorm(in_channels, channels, stride=2, norm=norm)
        self.stages = nn.LayerList()
        self.out_channels, self.strides = [], []
        for index in range(self.out_indices[-1] + 1):
            out_channels, stride, count = STAGES[index]
            blocks = []
            for block in range(count):
                blocks.append(
                    DepthwiseSeparable(channels, int(out_channels * scale), stride if block == 0 else 1, norm)
                )
                channels = int(out_channels * scale)
            self.stages.append(nn.Sequential(*blocks))
            if index in self.out_indices:
                self.out_channels.append(channels)
                self.strides.append(2 ** (index + 1))
        if freeze_stages:
            freeze(self.stem)
        for stage in self.stages[:freeze_stages]:
            freeze(stage)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each stage in `out_indices`, the finest first."""
        x = self.stem(image)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in self.out_indices:
                features.append(x)
        return features


class DepthwiseSeparable(nn.Layer):
    """A 3x3 convolution of each channel by itself, then a 1x1 convolution."""

    def __init__(self, in_channels, out_channels, stride, norm):
        super().__init__()
        self.depthwise = ConvNorm(in_channels, in_channels, stride=stride, groups=in_channels, norm=norm)
        self.pointwise = ConvNorm(in_channels, out_channels, kernel_size=1, norm=norm)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))
