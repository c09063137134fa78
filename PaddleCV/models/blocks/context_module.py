"""The context-sensitive prediction module of PyramidBox (https://arxiv.org/abs/1803.07737, section 3.2 and figure 3).

Shapes in this file:
    N images, C channels, H x W cells of one level.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .batch_norm import set_norms
from .conv_norm import ConvNorm


class ContextModule(nn.Layer):
    """A residual block that widens the level, then convolutions of growing context side by side, as those of SSH.

    The branches see 3, 5 and 7 cells (https://arxiv.org/abs/1708.03979, section 3.3).

    Args:
        in_channels (int): C of the input.
        channels (int): of the residual block; the output has half as many.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, channels=1024, norm="bn"):
        super().__init__()
        if channels % 8:
            raise ValueError(f"ContextModule takes channels that 8 divides, not {channels}")
        self.out_channels = channels // 2
        plain = {"activation": "none", "norm": norm}
        self.project = ConvNorm(in_channels, channels, 1, **plain)
        self.residual = nn.Sequential(
            ConvNorm(in_channels, channels // 4, 1, norm=norm),
            ConvNorm(channels // 4, channels // 4, 3, norm=norm),
            ConvNorm(channels // 4, channels, 1, **plain),
        )
        self.near = nn.Conv2D(channels, channels // 4, 3, padding=1)
        self.reduce = nn.Conv2D(channels, channels // 8, 3, padding=1)
        self.middle = nn.Conv2D(channels // 8, channels // 8, 3, padding=1)
        self.far = nn.Sequential(
            nn.Conv2D(channels // 8, channels // 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2D(channels // 8, channels // 8, 3, padding=1),
        )
        set_norms(self, epsilon=1e-3, momentum=0.9)

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, channels / 2, H, W]."""
        x = F.relu(self.project(x) + self.residual(x))
        reduced = F.relu(self.reduce(x))
        branches = self.near(x), self.middle(reduced), self.far(reduced)
        return paddle.concat([F.relu(branch) for branch in branches], axis=1)  # a ReLU of all is refused by oneDNN
