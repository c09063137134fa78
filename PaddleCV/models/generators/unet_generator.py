"""The U-Net of Pix2Pix (https://arxiv.org/abs/1611.07004, section 6.1.1).

Shapes in this file:
    N images of H x W pixels, both multiples of 2 ** depth.
"""

import paddle
from paddle import nn

from common.layers.initializers import normal

from ..blocks.gan_layers import DEVIATION, activation_named, norm_named


class UNetGenerator(nn.Layer):
    """An encoder of 4 x 4 convolutions of stride 2, and its mirror image with a skip connection at every resolution.

    Without any bias, as the original kit has it.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the image.
        depth (int): halvings, 8 for images of 256 pixels: the innermost feature map is one cell.
        width (int): channels of the first level; they double up to eight times as many.
        norm (str): batch or instance.
        dropout (float): share of features left out in training, in the three levels that follow the innermost one.
    """

    def __init__(self, in_channels=3, out_channels=3, depth=8, width=64, norm="batch", dropout=0.5):
        super().__init__()
        if depth < 2:
            raise ValueError(f"UNetGenerator got depth {depth}; allowed: 2 or more")
        self.size_multiple, self.out_channels = 2**depth, out_channels
        sizes = [min(width * 2**level, 8 * width) for level in range(depth)]
        self.down, self.up = nn.LayerList(), nn.LayerList()
        for level, size in enumerate(sizes):
            plain = level in (0, depth - 1)
            self.down.append(
                nn.Sequential(
                    ("activation", activation_named("leaky_relu" if level else "none")),
                    ("conv", half(sizes[level - 1] if level else in_channels, size)),
                    ("norm", norm_named("none" if plain else norm, size)),
                )
            )
        for level in reversed(range(depth)):
            inner, size = sizes[level], sizes[level - 1] if level else out_channels
            dropped = 0 < level < depth - 1 and depth - 1 - level <= 3
            self.up.append(
                nn.Sequential(
                    ("activation", nn.ReLU()),
                    ("conv", twice(inner if level == depth - 1 else 2 * inner, size)),
                    ("norm", norm_named(norm if level else "none", size)),
                    ("dropout", nn.Dropout(dropout if dropped else 0.0)),
                )
            )

    def forward(self, image):
        """Images float32 [N, out_channels, H, W] from -1 to 1, of inputs [N, in_channels, H, W]."""
        features = []
        x = image
        for layer in self.down:
            x = layer(x)
            features.append(x)
        for number, layer in enumerate(self.up):
            skip = features[-1 - number]
            x = layer(paddle.concat([skip, x], axis=1) if number else skip)
        return paddle.tanh(x)


def half(in_channels, out_channels):
    """A convolution of 4 x 4 and stride 2, without bias."""
    return nn.Conv2D(in_channels, out_channels, 4, 2, 1, weight_attr=normal(DEVIATION), bias_attr=False)


def twice(in_channels, out_channels):
    """A transposed convolution of 4 x 4 and stride 2, without bias."""
    return nn.Conv2DTranspose(in_channels, out_channels, 4, 2, 1, weight_attr=normal(DEVIATION), bias_attr=False)
