"""The discriminator of CGAN (https://arxiv.org/abs/1411.1784) for small images, as the original kit has it for MNIST.

Shapes in this file:
    N images of D channels and H x W pixels, C classes.
"""

from paddle import nn

from ..blocks.gan_layers import conv_layer, linear_layer
from ..blocks.label_planes import ClassCondition, joined


class CGANDiscriminator(nn.Layer):
    """An image and its class to a logit: two convolutions of stride 2 without padding, two fully connected layers.

    Args:
        num_classes (int): C.
        image_size (int): H = W.
        image_channels (int): D.
        width (int): channels of the convolutions.
        one_hot (bool): the class as C numbers, one of them 1; otherwise as one number, the original's form.
    """

    def __init__(self, num_classes, image_size=28, image_channels=1, width=64, one_hot=False):
        super().__init__()
        self.condition = ClassCondition(num_classes, one_hot)
        more = self.condition.out_channels
        side = ((image_size - 3) // 2 + 1 - 3) // 2 + 1
        down = {"kernel_size": 3, "stride": 2, "activation": "leaky_relu", "bias": False}
        self.conv1 = conv_layer(image_channels + more, width, **down)
        self.conv2 = conv_layer(width + more, width, norm="batch", **down)
        self.fc1 = linear_layer(width * side * side + more, 16 * width, norm=True, activation="leaky_relu")
        self.fc2 = linear_layer(16 * width + more, 1)

    def forward(self, image, label):
        """Logits [N, 1] of images float32 [N, D, H, W] being real, of classes int64 [N]."""
        condition = self.condition(label)
        x = self.conv2(joined(self.conv1(joined(image, condition)), condition)).flatten(1)
        return self.fc2(joined(self.fc1(joined(x, condition)), condition))
