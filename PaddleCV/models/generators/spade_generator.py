"""The generator of SPADE (https://arxiv.org/abs/1903.07291, appendix A), without an encoder of styles.

Shapes in this file:
    N images of H x W pixels, both multiples of 32; C planes of a label map; D channels and h x w cells of features.
"""

import itertools

import paddle
from paddle import nn
from paddle.nn import functional as F
from paddle.nn.utils import spectral_norm

from ..blocks.gan_layers import activation_named

HIDDEN = 128  # channels between a label map and what it modulates
UPSAMPLED = (0, 2, 3, 4, 5)  # blocks that an enlargement follows
SCALES = (16, 16, 16, 16, 8, 4, 2, 1)  # channels before and after each block, in widths


class SpatialNorm(nn.Layer):
    """Batch normalization whose scale and shift depend on the label map (eq. 1).

    Args:
        channels (int): D.
        label_channels (int): C.
    """

    def __init__(self, channels, label_channels):
        super().__init__()
        self.norm = nn.BatchNorm2D(channels, weight_attr=False, bias_attr=False)
        self.shared = nn.Conv2D(label_channels, HIDDEN, 3, padding=1)
        self.scale = nn.Conv2D(HIDDEN, channels, 3, padding=1)
        self.shift = nn.Conv2D(HIDDEN, channels, 3, padding=1)

    def forward(self, x, planes):
        """Features [N, D, h, w], of the same and the planes [N, C, H, W]."""
        hidden = F.relu(self.shared(F.interpolate(planes, size=x.shape[2:], mode="nearest")))
        return self.norm(x) * (1 + self.scale(hidden)) + self.shift(hidden)


class SpadeBlock(nn.Layer):
    """A residual block whose normalizations depend on the label map; convolutions have spectral norm 1.

    Args:
        in_channels (int): of the features.
        out_channels (int): of the result.
        label_channels (int): C.
    """

    def __init__(self, in_channels, out_channels, label_channels):
        super().__init__()
        middle = min(in_channels, out_channels)
        self.norm1, self.norm2 = SpatialNorm(in_channels, label_channels), SpatialNorm(middle, label_channels)
        self.conv1 = spectral_norm(nn.Conv2D(in_channels, middle, 3, padding=1))
        self.conv2 = spectral_norm(nn.Conv2D(middle, out_channels, 3, padding=1))
        self.activation = activation_named("leaky_relu")
        self.learned = in_channels != out_channels
        if self.learned:
            self.norm_shortcut = SpatialNorm(in_channels, label_channels)
            self.conv_shortcut = spectral_norm(nn.Conv2D(in_channels, out_channels, 1, bias_attr=False))

    def forward(self, x, planes):
        """[N, out_channels, h, w], of features [N, in_channels, h, w] and planes [N, C, H, W]."""
        shortcut = self.conv_shortcut(self.norm_shortcut(x, planes)) if self.learned else x
        x = self.conv1(self.activation(self.norm1(x, planes)))
        return shortcut + self.conv2(self.activation(self.norm2(x, planes)))


class SpadeGenerator(nn.Layer):
    """A label map, reduced by 32, enlarged through seven residual blocks that see it at every size.

    Args:
        in_channels (int): C.
        out_channels (int): channels of the image.
        width (int): channels of the last block; sixteen times as many in the first.
    """

    size_multiple = 32

    def __init__(self, in_channels, out_channels=3, width=64):
        super().__init__()
        self.out_channels = out_channels
        sizes = [scale * width for scale in SCALES]
        self.first = nn.Conv2D(in_channels, sizes[0], 3, padding=1)
        self.blocks = nn.LayerList([SpadeBlock(a, b, in_channels) for a, b in itertools.pairwise(sizes)])
        self.activation = activation_named("leaky_relu")
        self.last = nn.Conv2D(width, out_channels, 3, padding=1)

    def forward(self, planes):
        """Images float32 [N, out_channels, H, W] from -1 to 1, of planes float32 [N, C, H, W]."""
        height, width = planes.shape[2:]
        x = self.first(F.interpolate(planes, size=[height // 32, width // 32], mode="nearest"))
        for number, block in enumerate(self.blocks):
            x = block(x, planes)
            if number in UPSAMPLED:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        return paddle.tanh(self.last(self.activation(x)))
