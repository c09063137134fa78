"""The network of ATOM that predicts how much boxes overlap an object (https://arxiv.org/abs/1811.07628, figure 3).

Shapes in this file:
    N images with B boxes (x1, y1, x2, y2) in pixels; features of the strides 8 and 16.
"""

import paddle
from paddle import nn

from ..blocks.conv_norm import ConvNorm
from .precise_pooling import pool_boxes, pool_with_slopes

STRIDES = (8.0, 16.0)
BINS = (5, 3)  # of a box in each of the features
KNOWN_BINS = (3, 1)  # of the box of the object that is known


class IoUNet(nn.Layer):
    """Predicts the overlap of boxes with the object that another image and its box show.

    Args:
        in_channels (list[int]): of both features.
        width (float): multiplies every number of channels; 1.0 is the original.
    """

    def __init__(self, in_channels, width=1.0):
        super().__init__()
        third, fourth = in_channels
        half, whole = max(1, int(128 * width)), max(1, int(256 * width))
        self.out_channels = whole  # of what is known of an object
        self.known3, self.known4 = conv(third, half), conv(fourth, whole)
        self.small3 = conv(half, whole, 3, 0)
        self.of3, self.of4 = conv(2 * whole, whole, 1, 0), conv(2 * whole, whole, 1, 0)
        self.test3 = nn.Sequential(conv(third, whole), conv(whole, whole))
        self.test4 = nn.Sequential(conv(fourth, whole), conv(whole, whole))
        self.full3, self.full4 = (LinearNorm(whole * bins**2, whole) for bins in BINS)
        self.overlap = nn.Linear(2 * whole, 1)

    def know(self, features, boxes):
        """Two vectors [N, out_channels] that describe an object, from its image and its box [N, 4]."""
        boxes = boxes.unsqueeze(1)
        third = pool_boxes(self.known3(features[0]), boxes / STRIDES[0], KNOWN_BINS[0]).squeeze(1)
        fourth = pool_boxes(self.known4(features[1]), boxes / STRIDES[1], KNOWN_BINS[1]).squeeze(1)
        both = paddle.concat([self.small3(third), fourth], 1)
        return self.of3(both).flatten(1), self.of4(both).flatten(1)

    def seek(self, features):
        """The features of an image in which boxes are tried."""
        return self.test3(features[0]), self.test4(features[1])

    def overlaps(self, sought, known, boxes):
        """The overlap of each box, [N, B]; `sought` and `known` as from the methods of these names."""
        parts = [
            full((pool_boxes(one, boxes / stride, bins) * scaled(about)).flatten(2))
            for one, about, full, stride, bins in zip(sought, known, (self.full3, self.full4), STRIDES, BINS)
        ]
        return self.overlap(paddle.concat(parts, 2)).squeeze(2)

    def climb(self, sought, known, boxes):
        """The overlap of each box [N, B], and its derivatives [N, B, 4] by the corners; of evaluation mode.

        The derivatives are those of every value on the way, from the pooling to the sum, so that an exported program
        has them without a backward pass.
        """
        parts, slopes = [], []
        for one, about, full, stride, bins in zip(sought, known, (self.full3, self.full4), STRIDES, BINS):
            pooled = pool_with_slopes(one, boxes / stride, bins) * scaled(about).unsqueeze(2)
            value, slope = full.with_slopes(pooled.flatten(3))
            parts.append(value)
            slopes.append(slope / stride)
        value = self.overlap(paddle.concat(parts, 2)).squeeze(2)
        return value, paddle.matmul(paddle.concat(slopes, 3), self.overlap.weight).squeeze(3)


class LinearNorm(nn.Layer):
    """A linear layer, batch normalization and ReLU.

    Args:
        in_channels (int): of the input.
        out_channels (int): of the output.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.linear, self.norm = nn.Linear(in_channels, out_channels), nn.BatchNorm1D(out_channels)

    def forward(self, x):
        """[N, B, in_channels] to [N, B, out_channels]."""
        boxes = x.shape[1]
        found = nn.functional.relu(self.norm(self.linear(x).flatten(0, 1)))
        return found.reshape([-1, boxes, found.shape[1]])

    def with_slopes(self, x):
        """The output [N, B, out_channels] and its derivatives [N, B, 4, out_channels].

        Args:
            x (Tensor): [N, B, 5, in_channels], the input and its derivatives.
        """
        scale = self.norm.weight / paddle.sqrt(self.norm._variance + self.norm._epsilon)
        product = paddle.matmul(x, self.linear.weight)
        value = (product[:, :, 0] + self.linear.bias - self.norm._mean) * scale + self.norm.bias
        positive = (value > 0).astype("float32").unsqueeze(2)
        return nn.functional.relu(value), product[:, :, 1:] * scale * positive


def conv(in_channels, out_channels, kernel_size=3, padding=1):
    """A convolution with a bias, batch normalization and ReLU, as the original has them."""
    return ConvNorm(in_channels, out_channels, kernel_size, padding=padding, bias=True)


def scaled(about):
    """A vector [N, C] beside pooled features [N, B, C, n, n]."""
    return about.reshape([-1, 1, about.shape[1], 1, 1])
