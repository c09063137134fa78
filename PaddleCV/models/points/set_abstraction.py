"""Set abstraction of PointNet++ (https://arxiv.org/abs/1706.02413, sections 3.2 and 3.3), of one scale or of several.

Shapes in this file:
    N clouds of P points (x, y, z) with C features, S centers, K neighbors of each.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .point_ops import ball_query, farthest_points, squared_distances, take_points


class SetAbstraction(nn.Layer):
    """The features of balls around centers, which are far from one another; or one vector of the whole cloud.

    The points of a ball are seen from its center; each goes through a network of its own (1 x 1 convolutions), and
    the largest value of each channel is kept.

    Args:
        in_channels (int): C, given by the level below.
        widths (list[list[int]]): channels of the layers, for each scale.
        centers (int | None): S; None: the whole cloud is one ball, its points are seen from the origin.
        radii (list[float]): of the balls of each scale, in the unit of the points.
        neighbors (list[int]): K of each scale.
        norm (str): bn, or none for convolutions with a bias instead.
    """

    def __init__(self, in_channels, widths, centers=None, radii=(), neighbors=(), norm="bn"):
        super().__init__()
        scales = len(widths) if centers else 0
        if not widths or len(radii) != scales or len(neighbors) != scales or (not centers and len(widths) > 1):
            raise ValueError(
                f"SetAbstraction got {len(widths)} lists of widths, {len(radii)} radii and {len(neighbors)} neighbors; "
                "each scale has one of each, and a ball of the whole cloud has widths alone"
            )
        self.centers, self.radii, self.neighbors = centers, list(radii), list(neighbors)
        self.scales = nn.LayerList([pointwise_layers(3 + in_channels, list(layers), norm) for layers in widths])
        self.out_channels = sum(layers[-1] for layers in widths)

    def forward(self, points, features):
        """The centers float32 [N, S, 3] and their features [N, S, out_channels].

        Args:
            points (Tensor): float32 [N, P, 3].
            features (Tensor | None): [N, P, C].
        """
        if not self.centers:
            whole = points if features is None else paddle.concat([points, features], 2)
            found = largest(self.scales[0](whole.transpose([0, 2, 1]).unsqueeze(2)))  # [N, C, 1, P]
            return paddle.zeros_like(points[:, :1]), found
        centers = take_points(points, farthest_points(points.detach(), self.centers))
        distances = squared_distances(centers.detach(), points.detach())
        found = []
        for layers, radius, count in zip(self.scales, self.radii, self.neighbors):
            index = ball_query(distances, radius, min(count, points.shape[1]))
            inside = take_points(points, index) - centers.unsqueeze(2)
            if features is not None:
                inside = paddle.concat([inside, take_points(features, index)], 3)
            found.append(largest(layers(inside.transpose([0, 3, 1, 2]))))
        return centers, paddle.concat(found, 2) if len(found) > 1 else found[0]


def pointwise_layers(in_channels, widths, norm="bn"):
    """1 x 1 convolutions of [N, C, S, K], each with normalization, or a bias, and ReLU."""
    layers = []
    for before, after in zip([in_channels, *widths], widths):
        if norm == "bn":
            layers.append(ConvNorm(before, after, 1))
        else:
            layers.append(nn.Sequential(("conv", nn.Conv2D(before, after, 1)), ("activation", nn.ReLU())))
    return nn.Sequential(*layers)


def largest(x):
    """The largest value over K: [N, C, S, K] to [N, S, C]; by pooling, whose gradient is not slow on a CPU."""
    return F.max_pool2d(x, [1, x.shape[3]]).transpose([0, 2, 3, 1]).flatten(2)
