"""The discriminator of Pix2Pix (https://arxiv.org/abs/1611.07004, section 3.2.2): a logit for every patch.

Shapes in this file:
    N images of H x W pixels, h x w patches.
"""

from paddle import nn

from ..blocks.gan_layers import conv_layer


class PatchDiscriminator(nn.Layer):
    """Convolutions of 4 x 4, the first ones of stride 2, and a logit for each patch of 70 x 70 pixels (of 3 layers).

    Args:
        in_channels (int): channels of the images, those of a condition included.
        width (int): channels of the first layer; they double up to eight times as many.
        layers (int): of stride 2.
        norm (str): batch or instance.
    """

    def __init__(self, in_channels=3, width=64, layers=3, norm="batch"):
        super().__init__()
        sizes = [width * min(2**level, 8) for level in range(layers + 1)]
        parts = [conv_layer(in_channels, width, 4, 2, 1, activation="leaky_relu")]
        for level in range(1, layers + 1):
            stride = 2 if level < layers else 1
            parts.append(
                conv_layer(sizes[level - 1], sizes[level], 4, stride, 1, norm=norm, activation="leaky_relu", bias=False)
            )
        self.layers = nn.Sequential(*parts, conv_layer(sizes[-1], 1, 4, 1, 1))

    def forward(self, image):
        """Logits [N, 1, h, w] of patches of images [N, in_channels, H, W] being real."""
        return self.layers(image)
