"""Attention clusters with the shifting operation (https://arxiv.org/abs/1711.09550, sections 3.2 and 3.3).

Shapes in this file:
    N videos of T frames (padded) of D features, A attention units.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from .attention_lstm import weighted_mean


class AttentionCluster(nn.Layer):
    """Clusters of attention units for the frames and for the sound, concatenated.

    Args:
        in_channels (list[int]): features of a frame and of its sound.
        clusters (list[int]): A of each.
    """

    def __init__(self, in_channels, clusters=(32, 32)):
        super().__init__()
        pairs = list(zip(in_channels, clusters, strict=True))
        self.clusters = nn.LayerList([Cluster(size, count) for size, count in pairs])
        self.out_channels = sum(size * count for size, count in pairs)

    def forward(self, streams, length):
        """Vectors [N, out_channels] of streams, tensors [N, T, D], and their lengths int64 [N]."""
        return paddle.concat([cluster(x, length) for cluster, x in zip(self.clusters, streams)], 1)


class Cluster(nn.Layer):
    """The attention units of one stream.

    Args:
        in_channels (int): D.
        count (int): A.
    """

    def __init__(self, in_channels, count):
        super().__init__()
        self.count = count
        self.attention = nn.Linear(in_channels, count)
        self.scale = self.create_parameter([count, 1], default_initializer=nn.initializer.Constant(1.0))
        self.shift = self.create_parameter([count, 1], is_bias=True)

    def forward(self, x, length):
        """The means of the units, scaled, shifted and normalized, one after the other, [N, A D]."""
        found = weighted_mean(x, self.attention(x), sequence_mask(length, x))  # [N, A, D]
        return F.normalize(found * self.scale + self.shift, axis=2).flatten(1) * self.count**-0.5
