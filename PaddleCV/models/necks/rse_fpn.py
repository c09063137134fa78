"""The neck of PP-OCRv3's text detector: a feature pyramid of residual squeeze and excitation.

PP-OCRv3, Li et al. 2022, https://arxiv.org/abs/2206.03001, section 3.1 (RSE-FPN).

Shapes in this file:
    N images, levels of c channels and h x w cells, each of half the height and width of the one before, D channels of
    the result.
"""

import paddle
from paddle import nn

from ..blocks.excitation import SqueezeExcitation
from ..blocks.upsample import upsample_nearest

FACTOR = 4  # the levels are joined with D / 4 channels each


class RSEFPN(nn.Layer):
    """A top-down path by nearest neighbors; all levels, enlarged to the finest, become one map.

    Layers are listed from the coarsest level to the finest, in the order in which they are used.

    Args:
        in_channels (list[int]): c of each level from the finest to the coarsest, given by the backbone.
        squeezed (list[int] | None): channels to which 1x1 convolutions reduce the levels first; None for none.
        channels (int): D, a multiple of 4.
    """

    def __init__(self, in_channels, squeezed=None, channels=96):
        super().__init__()
        if channels % FACTOR or (squeezed is not None and len(squeezed) != len(in_channels)):
            raise ValueError(
                f"RSEFPN has {len(in_channels)} levels; channels is a multiple of {FACTOR}, not {channels}, and "
                f"squeezed has a number for each level, not {squeezed}"
            )
        self.squeeze = None
        if squeezed is not None:
            self.squeeze = nn.LayerList(nn.Conv2D(old, new, 1) for old, new in zip(in_channels, squeezed))
            in_channels = squeezed
        self.laterals = nn.LayerList(ResidualExcitation(count, channels, 1) for count in reversed(in_channels))
        self.smooth = nn.LayerList(ResidualExcitation(channels, channels // FACTOR, 3) for _ in in_channels)
        self.out_channels = channels // FACTOR * len(in_channels)

    def forward(self, features):
        """One map [N, D, h, w] of features [N, c, h, w] of each level, h and w of the finest."""
        if self.squeeze is not None:
            features = [layer(feature) for layer, feature in zip(self.squeeze, features)]
        levels, above = [], None
        for layer, feature in zip(self.laterals, reversed(features)):
            level = layer(feature)
            above = level if above is None else level + upsample_nearest(above)
            levels.append(above)
        levels = [layer(level) for layer, level in zip(self.smooth, levels)]
        for number in range(1, len(levels)):
            levels[:number] = [upsample_nearest(level) for level in levels[:number]]
        return paddle.concat(levels, 1)


class ResidualExcitation(nn.Layer):
    """A convolution, plus its squeeze and excitation: [N, c, h, w] to [N, out_channels, h, w].

    Args:
        in_channels (int): c.
        out_channels (int): channels of the output.
        kernel_size (int): of the convolution, odd.
    """

    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.conv = nn.Conv2D(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias_attr=False)
        self.excite = SqueezeExcitation(out_channels)

    def forward(self, x):
        x = self.conv(x)
        return x + self.excite(x)
