"""The generator of AttGAN (https://arxiv.org/abs/1711.10678, table 1).

Shapes in this file:
    N images of 3 channels and H x W pixels, both multiples of 2 ** layers; C attributes.
"""

import paddle
from paddle import nn

from ..blocks.gan_layers import conv_layer, deconv_layer
from ..blocks.label_planes import joined

MOST = 1024  # channels of the innermost layers


class AttGANGenerator(nn.Layer):
    """An encoder of 4 x 4 convolutions of stride 2, whose last features and the attributes a decoder makes an image of.

    Args:
        num_classes (int): C.
        width (int): channels of the first layer; they double up to `most`.
        layers (int): of the encoder and of the decoder.
        most (int): channels at most.
        shortcuts (int): layers of the decoder that also see the encoder's features of their size.
        injections (int): layers of the decoder whose output the attributes are joined to.
        strength (float): attributes are numbers from -strength to strength.
    """

    def __init__(self, num_classes, width=64, layers=5, most=MOST, shortcuts=1, injections=1, strength=0.5):
        super().__init__()
        self.size_multiple = 2**layers
        self.shortcuts, self.injections, self.strength = shortcuts, injections, strength
        sizes = [min(width * 2**level, most) for level in range(layers)]
        steps = zip([3, *sizes], sizes, strict=False)
        self.encoder = nn.LayerList(
            [conv_layer(a, b, 4, 2, 1, norm="batch", activation="leaky_relu") for a, b in steps]
        )
        self.decoder, channels = nn.LayerList(), sizes[-1] + num_classes
        for level in range(layers - 1):
            size = min(width * 2 ** (layers - 1 - level), most)
            self.decoder.append(deconv_layer(channels, size, norm="batch", activation="relu"))
            channels = size + (sizes[layers - 2 - level] if level < shortcuts else 0)
            channels += num_classes if level < injections else 0
        self.decoder.append(deconv_layer(channels, 3, activation="tanh"))

    def encode(self, image):
        """The features of every layer, list of [N, D, h, w], from the finest to the coarsest."""
        features = []
        for layer in self.encoder:
            image = layer(image)
            features.append(image)
        return features

    def decode(self, features, attributes):
        """Images float32 [N, 3, H, W] from -1 to 1, of features and attributes [N, C]."""
        x = joined(features[-1], attributes)
        for level, layer in enumerate(self.decoder):
            x = layer(x)
            if level < len(self.decoder) - 1:
                if level < self.shortcuts:
                    x = paddle.concat([x, features[-2 - level]], axis=1)
                if level < self.injections:
                    x = joined(x, attributes)
        return x

    def forward(self, image, source, target):
        """Images float32 [N, 3, H, W] from -1 to 1.

        Args:
            image (Tensor): float32 [N, 3, H, W].
            source (Tensor): attributes of the image, float32 [N, C]; not used.
            target (Tensor): attributes of the result, 0 or 1, float32 [N, C].
        """
        return self.decode(self.encode(image), (2 * target - 1) * self.strength)
