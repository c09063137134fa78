"""The plain head of segmentation: convolutions and a classifier of each cell (https://arxiv.org/abs/1411.4038).

Shapes in this file:
    N images, D channels of a feature, h x w cells, C classes.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import resize_as
from .classifier_head import dropout_layer


class FCNHead(nn.Layer):
    """Convolutions with normalization of one feature, or of all joined in the size of the finest, and a 1x1 one.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone.
        num_classes (int): C.
        feature (int): the place of the feature among the backbone's; -1 is the coarsest.
        join (bool): takes all features, enlarged to the finest one, in place of one.
        convs (int): convolutions before the classifier; 0 has none.
        channels (int): of these convolutions; 0 keeps those of the feature.
        kernel_size (int): of these convolutions.
        bias (bool): of these convolutions.
        dropout (float): probability that a number is dropped in training, before the classifier.
        norm (str): bn, frozen_bn or gn.
        align_corners (bool): of the enlargement of features, see `resize_as`.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        feature=-1,
        join=False,
        convs=1,
        channels=256,
        kernel_size=3,
        bias=False,
        dropout=0.1,
        norm="bn",
        align_corners=True,
    ):
        super().__init__()
        if not -len(in_channels) <= feature < len(in_channels) or convs < 0:
            raise ValueError(
                f"FCNHead got feature {feature} and convs {convs}; the backbone gives {len(in_channels)} features"
            )
        self.feature, self.join, self.align_corners = feature, join, align_corners
        width = sum(in_channels) if join else in_channels[feature]
        layers = []
        for _ in range(convs):
            layers.append(ConvNorm(width, channels or width, kernel_size, norm=norm, bias=bias))
            width = channels or width
        self.convs = nn.Sequential(*layers)
        self.dropout = dropout_layer(dropout)
        self.classifier = nn.Conv2D(width, num_classes, 1)

    def forward(self, features):
        """Logits [N, C, h, w] of features [N, D, h, w]."""
        x = join_features(features, self.align_corners) if self.join else features[self.feature]
        return self.classifier(self.dropout(self.convs(x)))


def join_features(features, align_corners):
    """All features, enlarged to the size of the first, as one [N, sum of D, h, w]."""
    first, *others = features
    return paddle.concat([first, *(resize_as(feature, first, align_corners) for feature in others)], axis=1)
