"""The generator of DCGAN (https://arxiv.org/abs/1511.06434) for small images, as the original kit has it for MNIST.

Shapes in this file:
    N images of D channels and H x W pixels, Z numbers of noise.
"""

from paddle import nn

from ..blocks.gan_layers import deconv_layer, linear_layer
from .cgan_generator import quarter


class DCGANGenerator(nn.Layer):
    """Noise to an image: two fully connected layers, two transposed convolutions of 5 x 5.

    Args:
        noise_size (int): Z.
        width (int): channels of the feature maps.
        hidden (int): outputs of the first layer.
        image_size (int): H = W, a multiple of 4.
        image_channels (int): D.
    """

    conditional = False

    def __init__(self, noise_size=100, width=128, hidden=2048, image_size=28, image_channels=1):
        super().__init__()
        side = quarter(image_size)
        self.noise_size, self.width, self.side = noise_size, width, side
        self.image_size, self.out_channels = image_size, image_channels
        double = {"kernel_size": 5, "padding": 2, "output_padding": 1}
        self.fc1 = linear_layer(noise_size, hidden, norm=True, activation="relu")
        self.fc2 = linear_layer(hidden, width * side * side, norm=True, activation="relu")
        self.up1 = deconv_layer(width, width, activation="relu", **double)
        self.up2 = deconv_layer(width, image_channels, activation="tanh", **double)

    def forward(self, noise):
        """Images float32 [N, D, H, W] from -1 to 1, of noise float32 [N, Z]."""
        x = self.fc2(self.fc1(noise)).reshape([-1, self.width, self.side, self.side])
        return self.up2(self.up1(x))
