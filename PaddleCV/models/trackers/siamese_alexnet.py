"""AlexNet without padding, as both arms of Siamese trackers (https://arxiv.org/abs/1606.09549, table 1).

Without padding each cell of the features depends on its place alone, so that a shifted object has shifted features.

Shapes in this file:
    N crops of H x W pixels.
"""

import math

import paddle
from paddle import nn
from paddle.nn import functional as F

# convolution: kernel size, stride, channels, may be grouped; pooling after it
LARGE = ((11, 2, 96, False, True), (5, 1, 256, True, True), (3, 1, 384, False, False), (3, 1, 384, True, False),
         (3, 1, 256, True, False))  # fmt: skip
SMALL = ((5, 2, 48, False, True), (3, 1, 96, False, False), (3, 1, 96, False, False), (3, 1, 96, False, False))


class SiameseAlexNet(nn.Layer):
    """Five convolutions of stride 8 in total, or four of stride 4 for crops of half the size.

    127 pixels become 6 cells and 255 become 22; of the small one 63 become 8 and 127 become 24.

    Args:
        width (float): multiplies every number of channels; 1.0 is the original.
        groups (int): of the second, fourth and fifth convolution; 2 in SiamFC, 1 in SiamRPN.
        last_norm (bool): batch normalization after the last convolution.
        small (bool): four convolutions of stride 4.
        freeze (bool): is not trained, and keeps the statistics of its normalizations.
    """

    def __init__(self, width=1.0, groups=2, last_norm=False, small=False, freeze=False):
        super().__init__()
        table, channels, layers = SMALL if small else LARGE, 3, []
        self.shrinking = []  # (kernel size, stride) of every layer that shrinks
        for index, (kernel, stride, wide, grouped, pooled) in enumerate(table):
            last = index == len(table) - 1
            wide = max(groups, int(wide * width))
            layers.append(nn.Conv2D(channels, wide, kernel, stride, groups=groups if grouped else 1))
            layers += [] if last and not last_norm else [nn.BatchNorm2D(wide)]
            layers += [] if last else [nn.ReLU()]
            layers += [nn.MaxPool2D(3, 2)] if pooled else []
            self.shrinking += [(kernel, stride)] + ([(3, 2)] if pooled else [])
            channels = wide
        self.layers, self.out_channels, self.freeze = nn.Sequential(*layers), channels, freeze
        self.stride = math.prod(stride for _, stride in self.shrinking)
        if freeze:
            for parameter in self.parameters():
                parameter.stop_gradient = True

    def train(self, *args):
        """Training mode, but of a frozen network, which stays as it is."""
        super().train(*args)
        if self.freeze:
            self.eval()

    def cells(self, pixels):
        """The cells of a side of this many pixels (int)."""
        for kernel, stride in self.shrinking:
            pixels = (pixels - kernel) // stride + 1
        return pixels

    def forward(self, image):
        """Features [N, out_channels, H', W'] of crops [N, 3, H, W] with values of 0 to 255."""
        return self.layers(image)


def correlate(search, template):
    """The features of a region compared with a template at every place, channel by channel.

    A convolution with a group for each channel of each sample where their number is known, in training; otherwise inner
    products with the patches of the region, which a program for any number of samples holds.

    Args:
        search (Tensor): float32 [N, C, H, W].
        template (Tensor): float32 [N, C, h, w].

    Returns:
        Tensor: float32 [N, C, H - h + 1, W - w + 1].
    """
    channels, height, width = template.shape[1:]
    if paddle.in_dynamic_mode():
        count = search.shape[0] * channels
        found = F.conv2d(
            search.reshape([1, count, *search.shape[2:]]), template.reshape([count, 1, height, width]), groups=count
        )
        return found.reshape([-1, channels, *found.shape[2:]])
    patches = F.unfold(search, [height, width]).reshape([-1, channels, height * width, places_of(search, template)])
    found = paddle.matmul(template.reshape([-1, channels, 1, height * width]), patches)
    return found.reshape([-1, channels, search.shape[2] - height + 1, search.shape[3] - width + 1])


def places_of(search, template):
    """The number of places of a template [N, C, h, w] in a region [N, C, H, W] (int)."""
    return (search.shape[2] - template.shape[2] + 1) * (search.shape[3] - template.shape[3] + 1)


def correlate_fully(search, template):
    """The inner product of a template and every part of a region of its size, [N, 1, H - h + 1, W - w + 1].

    Args:
        search (Tensor): float32 [N, C, H, W].
        template (Tensor): float32 [N, C, h, w].
    """
    height, width = template.shape[2:]
    patches = F.unfold(search, [height, width])  # [N, C h w, places]
    found = paddle.matmul(template.reshape([-1, 1, template.shape[1] * height * width]), patches)
    return found.reshape([-1, 1, search.shape[2] - height + 1, search.shape[3] - width + 1])
