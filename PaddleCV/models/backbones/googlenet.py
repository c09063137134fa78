"""Going deeper with convolutions (https://arxiv.org/abs/1409.4842, table 1): GoogLeNet, the first Inception network.

As the published weights have it, and unlike the paper: no convolution has a bias, the three of the stem have no ReLU,
in a module one ReLU follows the concatenation and none the reductions, and there is no local response normalization.
Poolings of stride 2 are not padded, so that 224 pixels become 111, 55, 27, 13 and 6.

Shapes in this file:
    N images of H x W pixels; the stages end with the modules 3b, 4a, 4d, 4e and 5b, about 1/8, 1/16, 1/16, 1/16 and
    1/32 of H and W.  The auxiliary classifiers take 4a and 4d.
"""

import math

import paddle
from paddle import ParamAttr, nn
from paddle.nn import functional as F

from .staged import StagedBackbone, check_out_indices

# of each module: channels of the 1x1; reduced and given by the 3x3; the same by the 5x5; given by the pooling
STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    ((192, 96, 208, 16, 48, 64),),
    ((160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64)),
    ((256, 160, 320, 32, 128, 128),),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
STRIDES = (8, 16, 16, 16, 32)


class GoogLeNet(StagedBackbone):
    """Three convolutions and nine inception modules, in five stages.

    Args:
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4; GoogLeNetHead takes 1, 2 and 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
    """

    def __init__(self, width=1.0, out_indices=(0, 3, 4), freeze_stages=0, in_channels=3):
        super().__init__()
        out_indices = check_out_indices("GoogLeNet", out_indices, len(STAGES))
        first, channels = int(64 * width), int(192 * width)
        self.stem = nn.Sequential(
            convolution(in_channels, first, 7, stride=2),
            nn.MaxPool2D(3, stride=2),
            convolution(first, first, 1),
            convolution(first, channels, 3),
            nn.MaxPool2D(3, stride=2),
        )
        self.stages = nn.LayerList()
        widths = []
        for index in range(out_indices[-1] + 1):
            halved = index > 0 and STRIDES[index] > STRIDES[index - 1]
            layers = [nn.MaxPool2D(3, stride=2)] if halved else []
            for numbers in STAGES[index]:
                layers.append(Inception(channels, *(int(number * width) for number in numbers)))
                channels = layers[-1].out_channels
            self.stages.append(nn.Sequential(*layers))
            widths.append(channels)
        self.finish(out_indices, widths, STRIDES, freeze_stages)


class Inception(nn.Layer):
    """1x1, reduced 3x3, reduced 5x5 and pooling side by side (figure 2b)."""

    def __init__(self, in_channels, one, reduced_three, three, reduced_five, five, pooled):
        super().__init__()
        self.out_channels = one + three + five + pooled
        self.one = convolution(in_channels, one, 1, rectified=True)
        self.reduce_three = convolution(in_channels, reduced_three, 1)
        self.three = convolution(reduced_three, three, 3, rectified=True)
        self.reduce_five = convolution(in_channels, reduced_five, 1)
        self.five = convolution(reduced_five, five, 5, rectified=True)
        self.pool = nn.MaxPool2D(3, stride=1, padding=1)
        self.project = convolution(in_channels, pooled, 1, rectified=True)

    def forward(self, x):
        three = self.three(self.reduce_three(x))
        five = self.five(self.reduce_five(x))
        return F.relu(paddle.concat([self.one(x), three, five, self.project(self.pool(x))], axis=1))


def convolution(in_channels, out_channels, kernel_size, stride=1, rectified=False):
    """A convolution without bias that keeps H and W but for its stride.

    Its weights start uniform, with a variance of one over the inputs of each output, or two where a ReLU follows, so
    that the values keep their size (https://arxiv.org/abs/1502.01852, equation 10).
    """
    bound = math.sqrt((6 if rectified else 3) / (in_channels * kernel_size**2))
    start = ParamAttr(initializer=nn.initializer.Uniform(-bound, bound))
    padding = (kernel_size - 1) // 2
    return nn.Conv2D(in_channels, out_channels, kernel_size, stride, padding, weight_attr=start, bias_attr=False)
