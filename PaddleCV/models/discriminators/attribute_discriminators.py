"""Discriminators that also predict attributes of an image: StarGAN (arXiv:1711.09020), AttGAN (arXiv:1711.10678).

Shapes in this file:
    N images of 3 channels and S x S pixels, C attributes.
"""

from paddle import nn

from ..blocks.gan_layers import conv_layer, linear_layer


class StarGANDiscriminator(nn.Layer):
    """Convolutions of 4 x 4 and stride 2 without normalization and bias, a logit a patch, and one an attribute.

    Args:
        num_classes (int): C.
        image_size (int): S.
        width (int): channels of the first layer; they double.
        layers (int): of stride 2.
    """

    def __init__(self, num_classes, image_size=128, width=64, layers=6):
        super().__init__()
        side = cells(image_size, layers)
        sizes = [width * 2**level for level in range(layers)]
        steps = zip([3, *sizes], sizes, strict=False)
        self.layers = nn.Sequential(*(conv_layer(a, b, 4, 2, 1, activation="leaky_relu", bias=False) for a, b in steps))
        self.patches = conv_layer(sizes[-1], 1, 3, padding=1, bias=False)
        self.attributes = conv_layer(sizes[-1], num_classes, side, bias=False)

    def forward(self, image):
        """Logits of being real [N, 1, h, w], and of attributes [N, C]."""
        x = self.layers(image)
        return self.patches(x), self.attributes(x).flatten(1)


class AttGANDiscriminator(nn.Layer):
    """Convolutions of 4 x 4 and stride 2 with instance normalization, and two fully connected layers for each answer.

    Args:
        num_classes (int): C.
        image_size (int): S.
        width (int): channels of the first layer; they double up to `most`.
        layers (int): of stride 2.
        hidden (int): outputs of the first fully connected layers.
        most (int): channels at most.
    """

    def __init__(self, num_classes, image_size=128, width=64, layers=5, hidden=1024, most=1024):
        super().__init__()
        side = cells(image_size, layers)
        sizes = [min(width * 2**level, most) for level in range(layers)]
        steps = zip([3, *sizes], sizes, strict=False)
        self.layers = nn.Sequential(
            *(conv_layer(a, b, 4, 2, 1, norm="instance", activation="leaky_relu") for a, b in steps)
        )
        self.features = features = sizes[-1] * side * side
        self.real = nn.Sequential(linear_layer(features, hidden, activation="leaky_relu"), linear_layer(hidden, 1))
        self.attributes = nn.Sequential(
            linear_layer(features, hidden, activation="leaky_relu"), linear_layer(hidden, num_classes)
        )

    def forward(self, image):
        """Logits of being real [N, 1], and of attributes [N, C]."""
        x = self.layers(image).reshape([-1, self.features])  # flatten has no second-order gradient
        return self.real(x), self.attributes(x)


def cells(image_size, layers):
    """The side of the feature map after layers of stride 2; raises ValueError for a size that they do not divide."""
    if image_size % 2**layers or not image_size:
        raise ValueError(f"image_size is {image_size}; allowed: multiples of {2**layers} with {layers} layers")
    return image_size // 2**layers
