"""NeXtVLAD (https://arxiv.org/abs/1811.05014, sections 3.2 and 3.3): residuals to clusters, in groups of features.

Shapes in this file:
    N videos of T frames (padded) of D features, E of them after the expansion, G groups of F = E / G, K clusters, S of
    the hidden layer.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError
from common.layers.masks import sequence_mask


class NeXtVLAD(nn.Layer):
    """The aggregation of frames and of sound, a hidden layer and its gates.

    Args:
        in_channels (list[int]): features of a frame and of its sound.
        clusters (int): K.
        groups (int): G.
        expansion (int): E / D.
        hidden_size (int): S.
        reduction (int): the gates are computed from S / reduction numbers.
        dropout (float): of the residuals.
        eigenvalues (str | None): a .npy file of those of the whitening that the frames' features went through, by
            whose roots they are multiplied.
    """

    def __init__(
        self,
        in_channels,
        clusters=128,
        groups=8,
        expansion=2,
        hidden_size=2048,
        reduction=8,
        dropout=0.5,
        eigenvalues=None,
    ):
        super().__init__()
        self.parts = nn.LayerList([Residuals(size, clusters, groups, expansion) for size in in_channels])
        self.register_buffer("whitening", paddle.to_tensor(read_scale(eigenvalues, in_channels[0])))
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(sum(part.out_channels for part in self.parts), hidden_size, bias_attr=False)
        self.hidden_norm = nn.BatchNorm1D(hidden_size)
        self.squeeze = nn.Linear(hidden_size, hidden_size // reduction, bias_attr=False)
        self.squeeze_norm = nn.BatchNorm1D(hidden_size // reduction)
        self.gates = nn.Linear(hidden_size // reduction, hidden_size, bias_attr=False)
        self.out_channels = hidden_size

    def forward(self, streams, length):
        """Vectors [N, S] of streams, tensors [N, T, D], and their lengths int64 [N]."""
        streams = [streams[0] * self.whitening, *streams[1:]]
        found = [part(x, length) for part, x in zip(self.parts, streams)]
        x = self.hidden_norm(self.hidden(self.dropout(paddle.concat(found, 1))))
        return x * F.sigmoid(self.gates(F.relu(self.squeeze_norm(self.squeeze(x)))))


class Residuals(nn.Layer):
    """The normalized sums of the residuals of one stream to its clusters.

    Args:
        in_channels (int): D.
        clusters (int): K.
        groups (int): G.
        expansion (int): E / D.
    """

    def __init__(self, in_channels, clusters, groups, expansion):
        super().__init__()
        size = expansion * in_channels
        if size % groups:
            raise ValueError(f"NeXtVLAD: {size} features cannot be divided into {groups} groups")
        self.clusters, self.groups, self.group_size = clusters, groups, size // groups
        self.expand = nn.Linear(in_channels, size)
        self.attention = nn.Linear(size, groups)
        self.assign = nn.Linear(size, groups * clusters, bias_attr=False)
        self.assign_norm = nn.BatchNorm1D(groups * clusters)
        self.centers = self.create_parameter([self.group_size, clusters])
        self.out_channels = self.group_size * clusters
        self.norm = nn.BatchNorm1D(self.out_channels)

    def forward(self, x, length):
        """Vectors [N, F K] of frames [N, T, D]."""
        mask = sequence_mask(length, x)
        x = self.expand(x)  # [N, T, E]
        weights = F.softmax(self.assigned(x, mask).reshape([x.shape[0], -1, self.groups, self.clusters]))
        weights = weights * (F.sigmoid(self.attention(x)) * mask.unsqueeze(2)).unsqueeze(3)
        weights = weights.flatten(1, 2)  # [N, T G, K]
        groups = x.reshape([x.shape[0], -1, self.group_size])  # [N, T G, F]
        sums = paddle.matmul(groups, weights, transpose_x=True) - weights.sum(1).unsqueeze(1) * self.centers
        return self.norm(F.normalize(sums, axis=1).flatten(1))

    def assigned(self, x, mask):
        """Normalized logits [N T, G K] of the clusters; padding does not count in the statistics of training."""
        rows = self.assign(x).flatten(0, 1)
        if not self.training:
            return self.assign_norm(rows)
        there = paddle.nonzero(mask.flatten()).flatten()
        return paddle.scatter(paddle.zeros_like(rows), there, self.assign_norm(paddle.gather(rows, there)))


def read_scale(path, size):
    """The factors of the features, float32 [size]: the roots of the eigenvalues in a .npy file, or 1; ConfigError."""
    if path is None:
        return np.ones(size, np.float32)
    try:
        values = np.load(path, allow_pickle=False).reshape(-1).astype(np.float32)
    except (OSError, ValueError) as error:
        raise ConfigError(f"eigenvalues: {path} cannot be read: {error}") from None
    if len(values) != size or not np.isfinite(values).all() or values.min() < 0:
        raise ConfigError(f"eigenvalues: {path} has {len(values)} numbers; the features are {size}, none negative")
    return np.sqrt(values + 1e-4)
