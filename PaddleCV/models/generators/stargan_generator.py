"""The generator of StarGAN (https://arxiv.org/abs/1711.09020, table 4).

Shapes in this file:
    N images of 3 channels and H x W pixels, both multiples of 4; C attributes.
"""

from paddle import nn

from ..blocks.gan_layers import conv_layer, deconv_layer
from ..blocks.label_planes import joined
from .resnet_generator import ResidualBlock


class StarGANGenerator(nn.Layer):
    """An image and the attributes that it shall have to an image.

    Args:
        num_classes (int): C.
        width (int): channels at full resolution; four times as many in the blocks.
        blocks (int): residual blocks.
    """

    size_multiple = 4

    def __init__(self, num_classes, width=64, blocks=6):
        super().__init__()
        relu = {"norm": "instance", "activation": "relu"}
        self.layers = nn.Sequential(
            conv_layer(3 + num_classes, width, 7, padding=3, **relu),
            conv_layer(width, 2 * width, 4, 2, 1, **relu),
            conv_layer(2 * width, 4 * width, 4, 2, 1, **relu),
            *(ResidualBlock(4 * width, "instance", mirrored=False) for _ in range(blocks)),
            deconv_layer(4 * width, 2 * width, **relu),
            deconv_layer(2 * width, width, **relu),
            conv_layer(width, 3, 7, padding=3, activation="tanh", bias=False),
        )

    def forward(self, image, source, target):
        """Images float32 [N, 3, H, W] from -1 to 1.

        Args:
            image (Tensor): float32 [N, 3, H, W].
            source (Tensor): attributes of the image, float32 [N, C]; not used.
            target (Tensor): attributes of the result, 0 or 1, float32 [N, C].
        """
        return self.layers(joined(image, target))
