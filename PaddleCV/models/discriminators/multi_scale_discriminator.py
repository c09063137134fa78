"""The discriminator of SPADE (https://arxiv.org/abs/1903.07291, appendix A), of pix2pixHD's kind (arXiv:1711.11585).

Shapes in this file:
    N images of D channels (those of the label map included) and H x W pixels, h x w patches.
"""

from paddle import nn
from paddle.nn import functional as F
from paddle.nn.utils import spectral_norm

from ..blocks.gan_layers import activation_named, norm_named


class ScaleDiscriminator(nn.Layer):
    """Convolutions of 4 x 4 with spectral norm 1 and instance normalization, and a logit a patch.

    Args:
        in_channels (int): D.
        width (int): channels of the first layer; they double up to eight times as many.
        layers (int): the first ones of stride 2, the last one of stride 1.
    """

    def __init__(self, in_channels, width=64, layers=4):
        super().__init__()
        sizes = [min(width * 2**level, 8 * width) for level in range(layers)]
        self.layers = nn.LayerList()
        for level, size in enumerate(sizes):
            stride = 1 if level and level == layers - 1 else 2
            conv = nn.Conv2D(
                sizes[level - 1] if level else in_channels,
                size,
                4,
                stride,
                2,
                bias_attr=False if level else None,
            )
            normed = [spectral_norm(conv), norm_named("instance_fixed", size)] if level else [conv]
            self.layers.append(nn.Sequential(*normed, activation_named("leaky_relu")))
        self.last = nn.Conv2D(sizes[-1], 1, 4, 1, 2)

    def forward(self, image):
        """The features of every layer and the logits [N, 1, h, w], a list of Tensors, the logits last."""
        found = []
        for layer in self.layers:
            image = layer(image)
            found.append(image)
        return [*found, self.last(image)]


class MultiScaleDiscriminator(nn.Layer):
    """The same network with weights of its own for the image and for it at half size.

    Args:
        in_channels (int): D.
        width (int): channels of the first layers.
        layers (int): of each network, without the last.
        scales (int): networks.
    """

    def __init__(self, in_channels, width=64, layers=4, scales=2):
        super().__init__()
        self.scales = nn.LayerList([ScaleDiscriminator(in_channels, width, layers) for _ in range(scales)])

    def forward(self, image):
        """For every scale its features and logits, see :meth:`ScaleDiscriminator.forward` (list of lists)."""
        found = []
        for number, scale in enumerate(self.scales):
            if number:
                image = F.avg_pool2d(image, 3, 2, 1)
            found.append(scale(image))
        return found
