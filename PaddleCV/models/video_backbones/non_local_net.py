"""Non-local networks (https://arxiv.org/abs/1711.07971, sections 3.3 and 4.1): C2D with attention over space and time.

A ResNet of the frames whose convolutions do not see time; after its first stage pairs of frames are pooled, and after
every second block of the next two stages each place attends to all places of the clip.

Shapes in this file:
    N clips of T frames (t of features, half as many after the first stage) of H x W pixels, D channels of h x w cells.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..backbones.resnet import ResNet
from .tsn import average_frames

STAGES = (1, 2)  # those that have non-local blocks


class NonLocalNet(ResNet):
    """C2D with non-local blocks of the embedded Gaussian kind.

    Args:
        frames (int): T, an even number.
        depth (int): of the ResNet; with the variant, width and blocks as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies the number of channels.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
        every (int): a non-local block follows each that many blocks.
    """

    def __init__(self, frames=8, depth=50, variant="b", width=1.0, blocks=None, every=2):
        if frames < 2 or frames % 2 or every < 1:
            raise ValueError(f"NonLocalNet got frames {frames}, every {every}; an even number, and 1 or more")
        super().__init__(depth, variant, width, out_indices=(1, 2, 3), blocks=blocks)
        self.view_frames, self.every = frames, every
        counts = [len(self.stages[stage]) // every for stage in STAGES]
        self.attention = nn.LayerList(
            nn.LayerList([NonLocalBlock(channels) for _ in range(count)])
            for channels, count in zip(self.out_channels, counts)
        )
        self.out_channels = self.out_channels[-1:]

    def forward(self, clip):
        """Features, a list of one [N, D, 1, 1], of clips [N, T, 3, H, W]."""
        x = self.stem(clip.flatten(0, 1))
        for index, stage in enumerate(self.stages):
            for number, block in enumerate(stage, 1):
                x = block(x)
                if index in STAGES and number % self.every == 0:
                    attend = self.attention[STAGES.index(index)][number // self.every - 1]
                    x = attend(x, self.view_frames // 2)
            if index == 0:
                x = paddle.maximum(x[0::2], x[1::2])  # of pairs of frames
        return [average_frames(x, clip)]


class NonLocalBlock(nn.Layer):
    """Adds to each place the softmax-weighted mean of all places of the clip (eq. 4 and 6).

    Keys and values are pooled 2 x 2 in space; the scale of the last normalization starts at 0, so that the block begins
    as the identity.

    Args:
        channels (int): D.
    """

    def __init__(self, channels):
        super().__init__()
        self.inner = channels // 2
        self.query = nn.Conv2D(channels, self.inner, 1)
        self.pool = nn.MaxPool2D(2, stride=2)
        self.key = nn.Conv2D(channels, self.inner, 1)
        self.value = nn.Conv2D(channels, self.inner, 1)
        self.out = nn.Conv2D(self.inner, channels, 1)
        self.norm = nn.BatchNorm2D(channels, weight_attr=nn.initializer.Constant(0.0))

    def forward(self, x, frames):
        """Features of the same shape, of features [N t, D, h, w] of clips of `frames` (t) frames."""
        pooled = self.pool(x)
        query, key, value = (
            self.places(conv(given), frames)
            for conv, given in ((self.query, x), (self.key, pooled), (self.value, pooled))
        )
        weights = F.softmax(paddle.matmul(query, key, transpose_y=True) * self.inner**-0.5)  # [N, t h w, t h w / 4]
        found = paddle.matmul(weights, value).reshape([-1, x.shape[2] * x.shape[3], self.inner])  # [N t, h w, D / 2]
        found = found.transpose([0, 2, 1]).reshape([-1, self.inner, x.shape[2], x.shape[3]])
        return x + self.norm(self.out(found))

    def places(self, x, frames):
        """Features [N t, C, h, w] as [N, t h w, C]."""
        return x.flatten(2).transpose([0, 2, 1]).reshape([-1, frames * x.shape[2] * x.shape[3], self.inner])
