"""Upsampling of feature maps.

Shapes in this file:
    N images, C channels, H x W cells.
"""

import paddle
from paddle.nn import functional as F


def resize_as(x, like, align_corners=True):
    """Bilinear interpolation of [N, C, h, w] to the height and width of another tensor [N, D, H, W].

    Args:
        x (Tensor): float32.
        like (Tensor): of the wanted size.
        align_corners (bool): the centers of the outermost cells lie on those of the outermost pixels, as those of the
            original models do (their resize_bilinear has it by default); otherwise the edges do.
    """
    return resize_to(x, like.shape[2:], align_corners)


def resize_to(x, size, align_corners=True):
    """The same to a size, [height, width]."""
    return F.interpolate(x, size=size, mode="bilinear", align_corners=align_corners)


def upsample_nearest(x):
    """Doubles H and W by repeating each cell: [N, C, H, W] to [N, C, 2H, 2W].

    A transposed convolution with ones: exported interpolation does not run with oneDNN, and this is faster.
    """
    channels = x.shape[1]
    return F.conv2d_transpose(x, paddle.ones([channels, 1, 2, 2], dtype=x.dtype), stride=2, groups=channels)
