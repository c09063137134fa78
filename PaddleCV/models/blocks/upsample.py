"""Upsampling of feature maps.

Shapes in this file:
    N images, C channels, H x W cells.
"""

import paddle
from paddle.nn import functional as F


def upsample_nearest(x):
    """Doubles H and W by repeating each cell: [N, C, H, W] to [N, C, 2H, 2W].

    A transposed convolution with ones: exported interpolation does not run with oneDNN, and this is faster.
    """
    channels = x.shape[1]
    return F.conv2d_transpose(x, paddle.ones([channels, 1, 2, 2], dtype=x.dtype), stride=2, groups=channels)
