"""Feature propagation of PointNet++ (https://arxiv.org/abs/1706.02413, section 3.4): from centers back to the points.

Shapes in this file:
    N clouds of P points with C features, S centers with D features.
"""

import paddle
from paddle import nn

from .point_ops import interpolate_points
from .set_abstraction import pointwise_layers


class FeaturePropagation(nn.Layer):
    """Features of points: interpolated from the centers of the level above, joined with their own.

    Args:
        in_channels (int): D + C.
        widths (list[int]): channels of the layers.
    """

    def __init__(self, in_channels, widths):
        super().__init__()
        self.layers = pointwise_layers(in_channels, list(widths))
        self.out_channels = widths[-1]

    def forward(self, points, features, centers, above):
        """Features [N, P, out_channels].

        Args:
            points (Tensor): float32 [N, P, 3].
            features (Tensor | None): [N, P, C].
            centers (Tensor): float32 [N, S, 3]; one center gives its features to all points.
            above (Tensor): [N, S, D].
        """
        if centers.shape[1] == 1:
            x = above.tile([1, points.shape[1], 1])
        else:
            x = interpolate_points(points, centers, above)
        x = x if features is None else paddle.concat([x, features], 2)
        return self.layers(x.unsqueeze(2).transpose([0, 3, 1, 2])).transpose([0, 2, 3, 1]).flatten(2)
