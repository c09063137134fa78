"""Searching for MobileNetV3 (https://arxiv.org/abs/1905.02244, tables 1 and 2).

Shapes in this file:
    N images of H x W pixels; a stage begins with each halving of H and W, so stage i (0 to 4) has stride 2^(i+1).
"""

from paddle import nn

from ..layers import ConvNorm, SqueezeExcitation, check_out_indices, divisible, freeze

# kernel size, expanded channels, channels that go out, squeeze and excitation, activation, stride
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


class MobileNetV3(nn.Layer):
    """Inverted residual blocks with hard swish and squeeze and excitation, up to the last of them.

    Args:
        model (str): large or small.
        scale (float): multiplies every number of channels, which stay multiples of 8.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the picture.
        norm (str): bn or frozen_bn.
        stem_stride (int): of the first convolution, 2; 1 for pictures of a few dozen pixels, which halves all strides.
    """

    def __init__(
        self,
        model="large",
        scale=1.0,
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        stem_stride=2,
    ):
        super().__init__()
        if model not in BLOCKS:
            raise ValueError(f"MobileNetV3 is {' or '.join(BLOCKS)}, not {model!r}")
        self.out_indices = check_out_indices("MobileNetV3", out_indices, 5)
        channels = divisible(16 * scale)
        self.stem = ConvNorm(in_channels, channels, stride=stem_stride, activation="hard_swish", norm=norm)
        stages, stage_channels = [[]], [channels]
        for kernel_size, expanded, out_channels, excite, activation, stride in BLOCKS[model]:
            if stride == 2:
                stages.append([])
                stage_channels.append(channels)
            expanded, out_channels = divisible(expanded * scale), divisible(out_channels * scale)
            stages[-1].append(
                InvertedResidual(channels, expanded, out_channels, kernel_size, stride, excite, activation, norm)
            )
            channels = stage_channels[-1] = out_channels
        self.stages = nn.LayerList(nn.Sequential(*blocks) for blocks in stages[: self.out_indices[-1] + 1])
        self.out_channels = [stage_channels[i] for i in self.out_indices]
        self.strides = [stem_stride * 2**i for i in self.out_indices]
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


class InvertedResidual(nn.Layer):
    """1x1 up where there are more channels, depthwise, squeeze and excitation, 1x1 down; the shortcut where it fits."""

    def __init__(self, in_channels, expanded, out_channels, kernel_size, stride, excite, activation, norm):
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        layers = []
        if expanded != in_channels:
            layers.append(ConvNorm(in_channels, expanded, kernel_size=1, activation=activation, norm=norm))
        layers.append(
            ConvNorm(expanded, expanded, kernel_size, stride, groups=expanded, activation=activation, norm=norm)
        )
        if excite:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, out_channels, kernel_size=1, activation="none", norm=norm))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x) if self.shortcut else self.layers(x)
