"""Xception as DeepLab changes it (https://arxiv.org/abs/1802.02611, section 3.2), with 41, 65 or 71 layers.

Depthwise convolutions of stride 2 take the place of poolings, every convolution has batch normalization (epsilon 1e-3,
momentum 0.99), and blocks have three separable convolutions. As the official definition has it, the last block is
dilated by 2 even where nothing lost its stride.

Shapes in this file:
    N images, C channels, H x W pixels; stage i (0 to 3) has stride 2^(i+2). The feature of stage 0 is the one the
    decoder takes: that of the block that makes stride 8, before its last, strided convolution.
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.batch_norm import set_norms
from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import DepthwiseSeparable
from .output_stride import OutputStride
from .staged import StagedBackbone, check_out_indices
from .xception import ENTRY, EXIT, MIDDLE


class XceptionDeepLab(StagedBackbone):
    """Entry, middle and exit flow of blocks of three separable convolutions.

    Args:
        depth (int): 41, 65 or 71 layers.
        width (float): multiplies every number of channels; 1.0 is the original.
        middle (int): blocks of the middle flow, in place of those of `depth`; 0 takes those.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        output_stride (int): of the coarsest features; 8 or 16 dilates the stages beyond it.
        momentum (float): of the running statistics of batch normalization; 0.9997 for hundreds of thousands of steps.
    """

    def __init__(
        self,
        depth=65,
        width=1.0,
        middle=0,
        out_indices=(1, 2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
        momentum=0.99,
    ):
        super().__init__()
        if depth not in ENTRY:
            raise ValueError(f"XceptionDeepLab has depth {', '.join(map(str, ENTRY))}, not {depth}")
        out_indices = check_out_indices("XceptionDeepLab", out_indices, 4)
        steps = OutputStride("XceptionDeepLab", output_stride)
        channels = int(64 * width)
        self.stem = nn.Sequential(
            ConvNorm(in_channels, int(32 * width), stride=steps.next(2)[0], norm=norm),
            ConvNorm(int(32 * width), channels, norm=norm),
        )
        stages, widths, strides = [], [], []
        for out_channels, stride in ENTRY[depth]:
            if stride == 2:
                stages.append(nn.LayerList())
                widths.append(0)
                strides.append(0)
            out_channels = widths[-1] = int(out_channels * width)
            stages[-1].append(DeepLabBlock(channels, (out_channels,) * 3, *steps.next(stride), norm))
            channels, strides[-1] = out_channels, steps.reached
        for _ in range(middle or MIDDLE[depth]):
            stages[-1].append(DeepLabBlock(channels, (channels,) * 3, 1, steps.next(1)[1], norm, shortcut="sum"))
        first, second, last = (int(count * width) for count in EXIT)
        leave = DeepLabBlock(channels, (channels, first, first), *steps.next(2), norm)
        dilation = max(2, steps.next(1)[1])
        end = DeepLabBlock(first, (second, second, last), 1, dilation, norm, shortcut="none", activation="relu")
        stages.append(nn.LayerList([leave, end]))
        self.stages = nn.LayerList(stages[: max(2, out_indices[-1] + 1)])
        widths[0] = int(ENTRY[depth][len(ENTRY[depth]) // 2][0] * width)  # of the block that makes stride 8
        set_norms(self, epsilon=1e-3, momentum=momentum)
        self.finish(out_indices, [*widths, last], [*strides, steps.reached], freeze_stages)

    def forward(self, image):
        """Features [N, out_channels, H / stride, W / stride] of each stage in `out_indices`, the finest first."""
        x = self.stem(image)
        features = []
        for index, stage in enumerate(self.stages):
            for number, block in enumerate(stage):
                x, inner = block(x)
                if index == 1 and number == 0 and 0 in self.out_indices:
                    features.append(inner)
            if index > 0 and index in self.out_indices:
                features.append(x)
        return features


class DeepLabBlock(nn.Layer):
    """Three separable convolutions, the last with the stride, and a shortcut: conv (1x1), sum or none.

    ReLU comes before each of them, or with the activation relu after each of their convolutions instead.
    """

    def __init__(self, in_channels, channels, stride, dilation, norm, shortcut="conv", activation="none"):
        super().__init__()
        self.relu_first = activation == "none"
        first, second, third = channels
        self.first = DepthwiseSeparable(in_channels, first, 1, norm, activation, dilation)
        self.second = DepthwiseSeparable(first, second, 1, norm, activation, dilation)
        self.third = DepthwiseSeparable(second, third, stride, norm, activation, dilation)
        self.kind = shortcut
        if shortcut == "conv":
            self.shortcut = ConvNorm(in_channels, third, kernel_size=1, stride=stride, activation="none", norm=norm)

    def forward(self, x):
        """(output, output of the second convolution)."""
        first = self.first(F.relu(x) if self.relu_first else x)
        second = self.second(F.relu(first) if self.relu_first else first)
        third = self.third(F.relu(second) if self.relu_first else second)
        if self.kind == "none":
            return third, second
        return third + (self.shortcut(x) if self.kind == "conv" else x), second
