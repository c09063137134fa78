"""The decoder of MediaPipe's selfie segmentation, after the lite reduced ASPP of MobileNetV3 (1905.02244, section 6.4).

Shapes in this file:
    N images, C classes, h x w cells of a level; levels run from the finest to the coarsest.
"""

from paddle import nn
from paddle.nn import functional as F

from ..backbones.selfie_net import Gate
from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import resize_as


class SelfieHead(nn.Layer):
    """Weights the coarsest features by their means, joins the finer ones one after another, and doubles the result.

    Args:
        in_channels (list[int]): channels of each level, given by the backbone.
        num_classes (int): C.
        channels (int): of the coarsest level after its convolution.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, num_classes, channels=128, norm="bn"):
        super().__init__()
        *finer, coarsest = in_channels
        self.features = ConvNorm(coarsest, channels, 1, norm=norm)
        self.weights = nn.Conv2D(coarsest, channels, 1)
        self.levels = nn.LayerList()
        for width in reversed(finer):
            self.levels.append(JoinedLevel(channels, width, norm))
            channels = width
        self.classify = nn.Conv2DTranspose(channels, num_classes, 2, stride=2)

    def forward(self, features):
        """Logits [N, C, 2h, 2w] of the finest level's features [N, ., h, w]."""
        *finer, x = features
        x = self.features(x) * F.sigmoid(self.weights(F.adaptive_avg_pool2d(x, 1)))
        for level, skipped in zip(self.levels, reversed(finer)):
            x = level(x, skipped)
        return self.classify(x)


class JoinedLevel(nn.Layer):
    """Enlarges coarse features and adds the fine ones, whose channels are weighted by the means of both.

    Args:
        in_channels (int): of the coarse features.
        channels (int): of the fine features and of the result.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, channels, norm):
        super().__init__()
        self.reduce = ConvNorm(in_channels, channels, 1, activation="none", norm=norm)
        self.gate = Gate(channels, channels)
        self.mix = ConvNorm(channels, channels, 1, norm=norm)
        self.depthwise = ConvNorm(channels, channels, 3, groups=channels, norm=norm)

    def forward(self, x, skipped):
        """Coarse [N, in_channels, h / 2, w / 2] and fine features [N, channels, h, w] to [N, channels, h, w]."""
        x = self.reduce(resize_as(x, skipped, align_corners=False))
        x = self.mix(skipped * self.gate(skipped + x) + x)
        return x + self.depthwise(x)
