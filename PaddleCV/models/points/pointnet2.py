"""The backbone of PointNet++ (https://arxiv.org/abs/1706.02413): levels of set abstraction, and the way back.

Shapes in this file:
    N clouds of P points: x, y, z and F features.
"""

from paddle import nn

from .feature_propagation import FeaturePropagation


class PointNet2(nn.Layer):
    """Features of clouds, or with `propagation` of their points.

    Args:
        levels (list[Layer]): SetAbstraction, from the finest to the coarsest.
        features (int): F.
        propagation (list[list[int]]): channels of the layers of each level on the way back, the finest first; one list
            for each level, or none for features of whole clouds.
    """

    def __init__(self, levels, features=0, propagation=()):
        super().__init__()
        if propagation and len(propagation) != len(levels):
            raise ValueError(f"PointNet2 got {len(levels)} levels and {len(propagation)} lists of propagation")
        self.levels, self.features = nn.LayerList(levels), features
        channels = [features, *(level.out_channels for level in levels)]
        back, above = [], channels[-1]
        for widths, own in zip(list(propagation)[::-1], channels[-2::-1]):
            back.append(FeaturePropagation(above + own, widths))
            above = widths[-1]
        self.back, self.out_channels = nn.LayerList(back), above

    @classmethod
    def from_config(cls, levels, build, features=0, propagation=()):
        """Builds the levels, each with the channels of the one before it.

        Args:
            levels (list): nodes of SetAbstraction, the finest first.
            features (int): F, values of a point beside its coordinates.
            propagation (list[list[int]]): see :class:`PointNet2`.
        """
        built, channels = [], features
        for node in levels:
            built.append(build(node, in_channels=channels))
            channels = built[-1].out_channels
        return cls(built, features, propagation)

    def forward(self, points):
        """Features [N, P, out_channels] of points; without propagation [N, S, out_channels] of the last centers.

        Args:
            points (Tensor): float32 [N, P, 3 + F].
        """
        x, features = points[:, :, :3], points[:, :, 3:] if self.features else None
        kept = [(x, features)]
        for level in self.levels:
            kept.append(level(*kept[-1]))
        centers, found = kept.pop()
        for layer in self.back:
            x, features = kept.pop()
            centers, found = x, layer(x, features, centers, found)
        return found
