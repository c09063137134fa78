"""Deep residual learning (https://arxiv.org/abs/1512.03385, table 1) and its variants.

    b    the stride of a bottleneck is in its 3x3 convolution
    vc   b, and three 3x3 convolutions in place of the 7x7 one (https://arxiv.org/abs/1812.01187, figure 2b)
    vd   vc, and an average pooling in place of the stride of a 1x1 shortcut (figure 2c)

The first block has a 1x1 convolution in its shortcut even where its shape stays, as the published weights have it.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 3) has stride 2^(i+2).
"""

from paddle import nn

from ..layers import ConvNorm, check_out_indices, freeze

DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 12, 48, 3),
}
VARIANTS = ("b", "vc", "vd")


class ResNet(nn.Layer):
    """A stem of stride 4 and four stages of residual blocks.

    Args:
        depth (int): 18, 34, 50, 101, 152 or 200.
        variant (str): b, vc or vd.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the picture.
        norm (str): bn or frozen_bn.
    """

    def __init__(
        self, depth=50, variant="b", width=1.0, out_indices=(1, 2, 3), freeze_stages=0, in_channels=3, norm="bn"
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"ResNet has depth {', '.join(map(str, DEPTHS))}, not {depth}")
        if variant not in VARIANTS:
            raise ValueError(f"ResNet has variant {', '.join(VARIANTS)}, not {variant!r}")
        self.out_indices = check_out_indices("ResNet", out_indices, 4)
        block = Bottleneck if depth >= 50 else BasicBlock
        base = int(64 * width)
        self.stem = stem(in_channels, base, variant, norm)
        channels = base
        self.stages = nn.LayerList()
        self.out_channels, self.strides = [], []
        for index in range(self.out_indices[-1] + 1):
            inner = base * 2**index
            blocks = []
            for position in range(DEPTHS[depth][index]):
                stride = 2 if index > 0 and position == 0 else 1
                around = shortcut(
                    channels, inner * block.expansion, stride, variant, norm, first=index == 0 and position == 0
                )
                blocks.append(block(channels, inner, stride, around, norm))
                channels = inner * block.expansion
            self.stages.append(nn.Sequential(*blocks))
            if index in self.out_indices:
                self.out_channels.append(channels)
                self.strides.append(2 ** (index + 2))
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


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and the shortcut around them."""

    expansion = 1

    def __init__(self, in_channels, channels, stride, around, norm):
        super().__init__()
        self.first = ConvNorm(in_channels, channels, stride=stride, norm=norm)
        self.second = ConvNorm(channels, channels, activation="none", norm=norm)
        self.shortcut = around
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(self.shortcut(x) + self.second(self.first(x)))


class Bottleneck(nn.Layer):
    """A 1x1 convolution down, a 3x3, a 1x1 up to four times the channels, and the shortcut around them."""

    expansion = 4

    def __init__(self, in_channels, channels, stride, around, norm):
        super().__init__()
        self.reduce = ConvNorm(in_channels, channels, kernel_size=1, norm=norm)
        self.middle = ConvNorm(channels, channels, stride=stride, norm=norm)
        self.expand = ConvNorm(channels, channels * 4, kernel_size=1, activation="none", norm=norm)
        self.shortcut = around
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(self.shortcut(x) + self.expand(self.middle(self.reduce(x))))


def stem(in_channels, channels, variant, norm):
    """Convolution and pooling to a quarter of H and W."""
    if variant == "b":
        convolutions = [ConvNorm(in_channels, channels, kernel_size=7, stride=2, norm=norm)]
    else:
        convolutions = [
            ConvNorm(in_channels, channels // 2, stride=2, norm=norm),
            ConvNorm(channels // 2, channels // 2, norm=norm),
            ConvNorm(channels // 2, channels, norm=norm),
        ]
    return nn.Sequential(*convolutions, nn.MaxPool2D(3, stride=2, padding=1))


def shortcut(in_channels, out_channels, stride, variant, norm, first):
    """The way around a block: nothing where the shape stays, a 1x1 convolution where it changes and in the first."""
    if in_channels == out_channels and stride == 1 and not first:
        return nn.Identity()
    if variant == "vd" and stride == 2:
        pool = nn.AvgPool2D(2, stride=2, ceil_mode=True)
        return nn.Sequential(pool, ConvNorm(in_channels, out_channels, 1, activation="none", norm=norm))
    return ConvNorm(in_channels, out_channels, kernel_size=1, stride=stride, activation="none", norm=norm)
