"""The residual generator of CycleGAN (https://arxiv.org/abs/1703.10593, appendix 7.2).

Shapes in this file:
    N images of H x W pixels, both multiples of 4.
"""

from paddle import nn

from ..blocks.gan_layers import conv_layer, deconv_layer


class ResidualBlock(nn.Layer):
    """Two convolutions of 3 x 3 with mirrored borders, added to their input.

    Args:
        channels (int): of the feature map.
        norm (str): batch or instance.
        mirrored (bool): borders are mirrored, otherwise zero.
    """

    def __init__(self, channels, norm, mirrored=True):
        super().__init__()
        padding = 0 if mirrored else 1
        pad = [nn.Pad2D(1, mode="reflect")] if mirrored else []
        first = conv_layer(channels, channels, 3, padding=padding, norm=norm, activation="relu")
        second = conv_layer(channels, channels, 3, padding=padding, norm=norm)
        self.layers = nn.Sequential(*pad, first, *pad, second)

    def forward(self, x):
        """[N, channels, H, W], of the same."""
        return x + self.layers(x)


class ResNetGenerator(nn.Layer):
    """A convolution of 7 x 7, two of stride 2, residual blocks, and the way back; an image from -1 to 1.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the image.
        width (int): channels at full resolution; four times as many in the blocks.
        blocks (int): residual blocks.
        norm (str): batch, as the original kit's script has it, or instance.
    """

    size_multiple = 4

    def __init__(self, in_channels=3, out_channels=3, width=32, blocks=9, norm="batch"):
        super().__init__()
        self.out_channels = out_channels
        relu = {"norm": norm, "activation": "relu"}
        self.layers = nn.Sequential(
            nn.Pad2D(3, mode="reflect"),
            conv_layer(in_channels, width, 7, **relu),
            conv_layer(width, 2 * width, 3, 2, 1, **relu),
            conv_layer(2 * width, 4 * width, 3, 2, 1, **relu),
            *(ResidualBlock(4 * width, norm) for _ in range(blocks)),
            deconv_layer(4 * width, 2 * width, 3, 2, 1, 1, **relu),
            deconv_layer(2 * width, width, 3, 2, 1, 1, **relu),
            nn.Pad2D(3, mode="reflect"),
            conv_layer(width, out_channels, 7, activation="tanh"),
        )

    def forward(self, image):
        """Images float32 [N, out_channels, H, W] from -1 to 1, of inputs [N, in_channels, H, W]."""
        return self.layers(image)
