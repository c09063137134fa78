"""Atrous spatial pyramid pooling and the decoder of DeepLabV3+ (https://arxiv.org/abs/1802.02611, figure 2).

Shapes in this file:
    N images, D channels of the last feature, h x w cells of it, h' x w' cells of the finest feature, C classes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.batch_norm import set_norms
from ..blocks.conv_norm import ConvNorm
from ..blocks.depthwise import DepthwiseSeparable
from ..blocks.upsample import resize_as
from .classifier_head import dropout_layer


class DeepLabV3PlusHead(nn.Layer):
    """Dilated convolutions of several rates beside the mean of the image; then a decoder that joins a finer feature.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone: the first is for the decoder.
        num_classes (int): C.
        rates (list[int]): dilations; 6, 12, 18 suit features of stride 16, twice as much stride 8.
        channels (int): of every convolution.
        fine_channels (int): that the finer feature is reduced to.
        separable (bool): depthwise separable 3x3 convolutions; else full ones.
        between (str): activation after a depthwise convolution; relu as the original kit has it, none as PaddleSeg 2.x.
        dropout (float): probability that a number is dropped in training, after the pyramid.
        norm (str): bn (epsilon 1e-3), frozen_bn or gn.
        align_corners (bool): of every enlargement, see `resize_as`.
        momentum (float): of the running statistics of batch normalization; 0.9997 for hundreds of thousands of steps.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        rates=(6, 12, 18),
        channels=256,
        fine_channels=48,
        separable=True,
        between="relu",
        dropout=0.1,
        norm="bn",
        align_corners=True,
        momentum=0.99,
    ):
        super().__init__()
        if len(in_channels) < 2:
            raise ValueError(
                "DeepLabV3PlusHead takes two features, a fine and a coarse one; the backbone's out_indices"
            )

        def conv(width, dilation=1):
            if separable:
                return DepthwiseSeparable(width, channels, 1, norm, dilation=dilation, between=between)
            return ConvNorm(width, channels, norm=norm, dilation=dilation)

        width = in_channels[-1]
        self.align_corners = align_corners
        self.mean = ConvNorm(width, channels, kernel_size=1, norm=norm)
        self.point = ConvNorm(width, channels, kernel_size=1, norm=norm)
        self.pyramid = nn.LayerList(conv(width, rate) for rate in rates)
        self.joined = ConvNorm(channels * (2 + len(rates)), channels, kernel_size=1, norm=norm)
        self.dropout = dropout_layer(dropout)
        self.fine = ConvNorm(in_channels[0], fine_channels, kernel_size=1, norm=norm)
        self.decoder = nn.Sequential(conv(channels + fine_channels), conv(channels))
        self.classifier = nn.Conv2D(channels, num_classes, 1)
        set_norms(self, epsilon=1e-3, momentum=momentum)

    def forward(self, features):
        """Logits [N, C, h', w'] of features whose last is [N, D, h, w]."""
        x = features[-1]
        mean = resize_as(self.mean(F.adaptive_avg_pool2d(x, 1)), x, self.align_corners)
        x = paddle.concat([mean, self.point(x), *(conv(x) for conv in self.pyramid)], axis=1)
        x = self.dropout(self.joined(x))
        fine = self.fine(features[0])
        x = paddle.concat([resize_as(x, fine, self.align_corners), fine], axis=1)
        return self.classifier(self.decoder(x))
