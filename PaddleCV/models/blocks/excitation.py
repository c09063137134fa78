"""Squeeze and excitation (https://arxiv.org/abs/1709.01507, section 3) in the forms that the published weights have.

Shapes in this file:
    N images, C channels, H x W pixels.
"""

from paddle import nn
from paddle.nn import functional as F


class SqueezeExcitation(nn.Layer):
    """Scales each channel by a weight computed from the means of all channels: 1x1 convolutions and a hard sigmoid.

    Args:
        channels (int): C of the input [N, C, H, W] and of the output.
        reduction (int): the hidden layer has C / reduction channels.
        slope (float): of the hard sigmoid max(0, min(1, slope * x + 0.5)).
    """

    def __init__(self, channels, reduction=4, slope=0.2):
        super().__init__()
        self.slope = slope
        self.reduce = nn.Conv2D(channels, channels // reduction, 1)
        self.expand = nn.Conv2D(channels // reduction, channels, 1)

    def forward(self, x):
        weights = self.expand(F.relu(self.reduce(F.adaptive_avg_pool2d(x, 1))))  # [N, C, 1, 1]
        return x * F.hardsigmoid(weights, slope=self.slope, offset=0.5)


class SwishExcitation(nn.Layer):
    """The form of EfficientNet: 1x1 convolutions, swish between them and a sigmoid after them.

    Args:
        channels (int): C of the input [N, C, H, W] and of the output.
        hidden (int): channels of the hidden layer.
    """

    def __init__(self, channels, hidden):
        super().__init__()
        self.reduce = nn.Conv2D(channels, hidden, 1)
        self.expand = nn.Conv2D(hidden, channels, 1)

    def forward(self, x):
        return x * F.sigmoid(self.expand(F.swish(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class ChannelGate(nn.Layer):
    """The form of residual networks (equations 2 to 4): linear layers and a sigmoid, a reduction of 16.

    Args:
        channels (int): C of the input [N, C, H, W] and of the output.
        reduction (int): the hidden layer has C / reduction channels.
    """

    def __init__(self, channels, reduction=16):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x):
        means = F.adaptive_avg_pool2d(x, 1).flatten(1)  # [N, C]
        weights = F.sigmoid(self.excite(F.relu(self.squeeze(means))))
        return x * weights.unsqueeze([2, 3])
