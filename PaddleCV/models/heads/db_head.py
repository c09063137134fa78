"""The head of differentiable binarization: a map of the features enlarged to the pixels of the image.

DB, Liao et al. 2019, https://arxiv.org/abs/1911.08947, section 3.1.

Shapes in this file:
    N images of H x W pixels, C channels of the features, which have a cell for 4 x 4 pixels.
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.batch_norm import batch_norm

FACTOR = 4  # pixels of the image to a cell


class DBHead(nn.Layer):
    """A convolution and two transposed convolutions, each of which doubles height and width.

    Args:
        in_channels (int): C, given by the neck.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, norm="bn"):
        super().__init__()
        inner = in_channels // FACTOR
        self.conv = nn.Conv2D(in_channels, inner, 3, padding=1, bias_attr=False)
        self.norm1 = batch_norm(inner, norm)
        self.up1 = nn.Conv2DTranspose(inner, inner, 2, 2)
        self.norm2 = batch_norm(inner, norm)
        self.up2 = nn.Conv2DTranspose(inner, 1, 2, 2)

    def forward(self, x):
        """Logits [N, 1, H, W] of features [N, C, H / 4, W / 4]."""
        x = F.relu(self.norm1(self.conv(x)))
        return self.up2(F.relu(self.norm2(self.up1(x))))
