"""The encoder of MediaPipe's selfie segmentation: MobileNetV3 (https://arxiv.org/abs/1905.02244) made narrower.

The network is that of the published model card "MediaPipe Selfie Segmentation": padding is TensorFlow's SAME, and
squeeze and excitation ends with a sigmoid.

Shapes in this file:
    N images of H x W pixels, C channels; stage i (0 to 3) has stride 2^(i+1).
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

STEM = 16
# of each stage its blocks: expanded channels, output channels, kernel size, stride, hidden channels of the excitation
# (0 for none), activation
STAGES = (
    (),
    ((16, 16, 3, 2, 8, "relu"),),
    ((72, 24, 3, 2, 0, "relu"), (88, 24, 3, 1, 0, "relu")),
    (
        (96, 32, 5, 2, 24, "hard_swish"),
        (128, 32, 5, 1, 32, "hard_swish"),
        (128, 32, 5, 1, 32, "hard_swish"),
        (96, 32, 5, 1, 24, "hard_swish"),
        (96, 32, 5, 1, 24, "hard_swish"),
    ),
)


class SelfieNet(StagedBackbone):
    """A convolution and eight inverted residual blocks in four stages.

    Args:
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, out_indices=(0, 1, 2, 3), freeze_stages=0, in_channels=3, norm="bn"):
        super().__init__()
        out_indices = check_out_indices("SelfieNet", out_indices, len(STAGES))
        self.stem = ConvNorm(in_channels, STEM, stride=2, activation="hard_swish", norm=norm, padding="same")
        self.stages, channels, widths = nn.LayerList(), STEM, []
        for blocks in STAGES[: out_indices[-1] + 1]:
            layers = []
            for expanded, out_channels, kernel_size, stride, hidden, activation in blocks:
                layers.append(
                    ExcitedBlock(channels, expanded, out_channels, kernel_size, stride, hidden, activation, norm)
                )
                channels = out_channels
            self.stages.append(nn.Sequential(*layers))
            widths.append(channels)
        self.finish(out_indices, widths, [2, 4, 8, 16], freeze_stages)


class ExcitedBlock(nn.Layer):
    """1x1 up, depthwise, squeeze and excitation, 1x1 down; the shortcut where it fits.

    Args:
        in_channels (int): C of the input.
        expanded (int): channels between the 1x1 convolutions.
        out_channels (int): C of the output.
        kernel_size (int): of the depthwise convolution.
        stride (int): of the depthwise convolution.
        hidden (int): channels within the excitation; 0 for none.
        activation (str): of the first two convolutions, one of ConvNorm.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, expanded, out_channels, kernel_size, stride, hidden, activation, norm):
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        style = {"activation": activation, "norm": norm}
        self.expand = ConvNorm(in_channels, expanded, 1, **style)
        self.depthwise = ConvNorm(expanded, expanded, kernel_size, stride, expanded, padding="same", **style)
        self.gate = Gate(expanded, hidden) if hidden else None
        self.project = ConvNorm(expanded, out_channels, 1, activation="none", norm=norm)

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride], rounded up."""
        y = self.depthwise(self.expand(x))
        if self.gate is not None:
            y = y * self.gate(y)
        y = self.project(y)
        return x + y if self.shortcut else y


class Gate(nn.Layer):
    """Weights between 0 and 1 of every channel, by its means: 1x1 convolutions, ReLU between them, a sigmoid.

    Args:
        channels (int): C of the input [N, C, H, W].
        hidden (int): channels of the hidden layer.
    """

    def __init__(self, channels, hidden):
        super().__init__()
        self.reduce = nn.Conv2D(channels, hidden, 1)
        self.expand = nn.Conv2D(hidden, channels, 1)

    def forward(self, x):
        """Weights [N, C, 1, 1]."""
        return F.sigmoid(self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1)))))
