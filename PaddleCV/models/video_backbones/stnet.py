"""StNet (https://arxiv.org/abs/1811.01549, section 3): super-images, temporal convolutions, a temporal Xception block.

Some consecutive frames of a segment are the channels of one image; after the second and the third stage a convolution
over the segments is added to the features; at the end separable convolutions over the segments follow the pooling.

Shapes in this file:
    N videos of T segments of F frames of H x W pixels, D channels.
"""

from paddle import nn
from paddle.nn import functional as F

from ..backbones.resnet import ResNet
from .tsn import mean_over_axis_1

TEMPORAL = (1, 2)  # stages that a temporal block follows


class StNet(ResNet):
    """A ResNet of super-images with temporal blocks, and the temporal Xception block of their pooled features.

    Args:
        frames (int): F, the frames of a super-image.
        depth (int): of the ResNet; with the variant, width and blocks as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies the number of channels.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
        features (int): channels of the Xception block.
    """

    view_frames = None  # the number of segments is free

    def __init__(self, frames=5, depth=50, variant="b", width=1.0, blocks=None, features=1024):
        super().__init__(depth, variant, width, out_indices=(1, 2, 3), blocks=blocks, in_channels=3 * frames)
        self.frames = frames
        self.temporal = nn.LayerList([TemporalBlock(self.out_channels[place]) for place in range(len(TEMPORAL))])
        self.xception = TemporalXception(self.out_channels[-1], features)
        self.out_channels = [features]

    def forward(self, clip):
        """Features, a list of one [N, D, 1, 1], of clips [N, T F, 3, H, W]; the frames of a segment are neighbors."""
        count, images = clip.shape[0], clip.flatten(0, 1)
        images = images.reshape([-1, 3 * self.frames, *clip.shape[3:]])  # [N T, 3 F, H, W]
        x = self.stem(images)
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TEMPORAL:
                x = self.temporal[TEMPORAL.index(index)](x, count)
        pooled = F.adaptive_avg_pool2d(x, 1).flatten(1)  # [N T, D]
        x = self.xception(pooled.reshape([count, -1, pooled.shape[1]]).transpose([0, 2, 1]))  # [N, D, T]
        return [mean_over_axis_1(x.transpose([0, 2, 1])).unsqueeze([2, 3])]


class TemporalBlock(nn.Layer):
    """Adds a convolution over three segments, normalized, to the features; ReLU.

    Args:
        channels (int): D.
    """

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2D(channels, channels, (3, 1), padding=(1, 0))
        self.norm = nn.BatchNorm2D(channels)

    def forward(self, x, count):
        """Features of the same shape, of features [N T, D, h, w] of `count` (N) videos."""
        channels, height, width = x.shape[1:]
        cells = x.reshape([count, -1, channels, height * width]).transpose([0, 2, 1, 3])  # [N, D, T, h w]
        more = self.norm(self.conv(cells)).transpose([0, 2, 1, 3]).flatten(0, 1)
        return F.relu(x + more.reshape([-1, channels, height, width]))


class TemporalXception(nn.Layer):
    """Two separable convolutions over the segments beside a shortcut (figure 3): [N, in_channels, T] to [N, D, T].

    Args:
        in_channels (int): of the input.
        channels (int): D.
    """

    def __init__(self, in_channels, channels):
        super().__init__()
        self.norm = nn.BatchNorm1D(in_channels)
        self.first = separable(in_channels, channels)
        self.middle_norm = nn.BatchNorm1D(channels)
        self.second = separable(channels, channels)
        self.shortcut = nn.Conv1D(in_channels, channels, 1)
        self.last_norm = nn.BatchNorm1D(channels)

    def forward(self, x):
        x = self.norm(x)
        residual = self.second(F.relu(self.middle_norm(self.first(x))))
        return F.relu(self.last_norm(self.shortcut(x) + residual))


def separable(in_channels, channels):
    """A depthwise convolution over three segments, and one of size 1 that joins the channels."""
    depthwise = nn.Conv1D(in_channels, in_channels, 3, padding=1, groups=in_channels)
    return nn.Sequential(depthwise, nn.Conv1D(in_channels, channels, 1))
