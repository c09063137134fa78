"""The generator of CGAN (https://arxiv.org/abs/1411.1784) for small images, as the original kit has it for MNIST.

Shapes in this file:
    N images of D channels and H x W pixels, Z numbers of noise, C classes.
"""

from paddle import nn

from ..blocks.gan_layers import deconv_layer, linear_layer
from ..blocks.label_planes import ClassCondition, joined


class CGANGenerator(nn.Layer):
    """Noise and a class to an image: two fully connected layers, two transposed convolutions.

    The class is joined to the noise, to the first layer's output and to the first feature map.

    Args:
        num_classes (int): C.
        noise_size (int): Z.
        width (int): channels of the feature maps.
        image_size (int): H = W, a multiple of 4.
        image_channels (int): D.
        one_hot (bool): the class as C numbers, one of them 1; otherwise as one number, the original's form.
    """

    conditional = True

    def __init__(self, num_classes, noise_size=100, width=128, image_size=28, image_channels=1, one_hot=False):
        super().__init__()
        side = quarter(image_size)
        self.noise_size, self.width, self.side = noise_size, width, side
        self.image_size, self.out_channels, self.num_classes = image_size, image_channels, num_classes
        self.condition = ClassCondition(num_classes, one_hot)
        more = self.condition.out_channels
        self.fc1 = linear_layer(noise_size + more, 8 * width, norm=True, activation="relu")
        self.fc2 = linear_layer(8 * width + more, width * side * side, norm=True, activation="relu")
        self.up1 = deconv_layer(width + more, width, norm="batch", activation="relu")
        self.up2 = deconv_layer(width, image_channels, activation="tanh", bias=False)

    def forward(self, noise, label):
        """Images float32 [N, D, H, W] from -1 to 1, of noise float32 [N, Z] and classes int64 [N]."""
        condition = self.condition(label)
        x = self.fc1(joined(noise, condition))
        x = self.fc2(joined(x, condition)).reshape([-1, self.width, self.side, self.side])
        return self.up2(self.up1(joined(x, condition)))


def quarter(image_size):
    """A quarter of the side of an image; raises ValueError unless it is a multiple of 4."""
    if image_size < 8 or image_size % 4:
        raise ValueError(f"image_size is {image_size}; allowed: multiples of 4 from 8")
    return image_size // 4
