"""The discriminator of DCGAN (https://arxiv.org/abs/1511.06434) for small images, as the original kit has it for MNIST.

Shapes in this file:
    N images of D channels and H x W pixels.
"""

from paddle import nn

from ..blocks.gan_layers import activation_named, conv_layer, linear_layer


class DCGANDiscriminator(nn.Layer):
    """An image to a logit: two convolutions of 5 x 5 with maximum pooling, two fully connected layers.

    Args:
        image_size (int): H = W.
        image_channels (int): D.
        width (int): channels of the first convolution; the second has twice as many.
        hidden (int): outputs of the first fully connected layer.
    """

    def __init__(self, image_size=28, image_channels=1, width=64, hidden=1024):
        super().__init__()
        side = ((image_size - 4) // 2 - 4) // 2
        if side < 1:
            raise ValueError(f"DCGANDiscriminator got image_size {image_size}; allowed: 16 or more")
        self.conv1 = conv_layer(image_channels, width, 5, activation="leaky_relu")
        self.conv2 = conv_layer(width, 2 * width, 5)
        self.pool = nn.MaxPool2D(2)
        self.norm, self.activation = nn.BatchNorm2D(2 * width), activation_named("leaky_relu")
        self.fc1 = linear_layer(2 * width * side * side, hidden, norm=True, activation="leaky_relu")
        self.fc2 = linear_layer(hidden, 1)

    def forward(self, image):
        """Logits [N, 1] of images float32 [N, D, H, W] being real."""
        x = self.pool(self.conv1(image))
        x = self.activation(self.norm(self.pool(self.conv2(x))))
        return self.fc2(self.fc1(x.flatten(1)))
