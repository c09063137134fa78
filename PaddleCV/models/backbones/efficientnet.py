"""EfficientNet (https://arxiv.org/abs/1905.11946, table 1 and section 3.3), as its authors' program has it.

Batch normalization has epsilon 1e-3 and momentum 0.99, squeeze and excitation is sized by the input of a block, and
padding is TensorFlow's SAME. The official `small` variant has no squeeze and excitation and pads on all sides;
the `lite` variants (https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html)
have none either, and ReLU6 in place of swish.

Shapes in this file:
    N images, C channels, H x W pixels; a stage begins with each halving of H and W, so stage i (0 to 4) has stride
    2^(i+1); stage 5 is the 1x1 convolution after the blocks, of stride 32.
"""

import math

import paddle
from paddle import nn

from ..blocks.batch_norm import set_norms
from ..blocks.conv_norm import ConvNorm
from ..blocks.excitation import SwishExcitation
from .staged import StagedBackbone, check_out_indices
from .tables import divisible

# multiples of channels and of blocks
MODELS = {
    "b0": (1.0, 1.0),
    "b1": (1.0, 1.1),
    "b2": (1.1, 1.2),
    "b3": (1.2, 1.4),
    "b4": (1.4, 1.8),
    "b5": (1.6, 2.2),
    "b6": (1.8, 2.6),
    "b7": (2.0, 3.1),
}
# kernel size, blocks, output channels, expansion, stride of the first block
BLOCKS = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
STEM, LAST = 32, 1280


class EfficientNet(StagedBackbone):
    """Inverted residual blocks with squeeze and excitation, and a 1x1 convolution after them.

    Args:
        model (str): b0 to b7.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 5.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        drop_connect (float): probability that the last block is dropped in training; it grows linearly up to that.
        excite (bool): with squeeze and excitation.
        same (bool): padding is TensorFlow's SAME; else it is equal on all sides.
        scale (float): multiplies the numbers of channels of the model once more, for a tiny one.
        depth (float): multiplies the numbers of blocks of the model once more.
        activation (str): one of ConvNorm.
    """

    def __init__(
        self,
        model="b0",
        out_indices=(2, 3, 4),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        drop_connect=0.2,
        excite=True,
        same=True,
        scale=1.0,
        depth=1.0,
        activation="swish",
    ):
        super().__init__()
        if model not in MODELS:
            raise ValueError(f"EfficientNet is {', '.join(MODELS)}, not {model!r}")
        if not 0 <= drop_connect < 1:
            raise ValueError(f"EfficientNet got drop_connect {drop_connect}; it is 0 or more and less than 1")
        out_indices = check_out_indices("EfficientNet", out_indices, 6)
        scale, depth = scale * MODELS[model][0], depth * MODELS[model][1]
        channels, padding = divisible(STEM * scale), "same" if same else None
        style = {"activation": activation, "norm": norm}
        self.stem = ConvNorm(in_channels, channels, stride=2, padding=padding, **style)
        total, built = sum(math.ceil(group[1] * depth) for group in BLOCKS), 0
        self.stages, widths = nn.LayerList([nn.Sequential()]), [channels]
        for kernel_size, count, out_channels, expansion, first_stride in BLOCKS:
            if first_stride == 2 and len(self.stages) > out_indices[-1]:
                break
            for block in range(math.ceil(count * depth)):
                stride = first_stride if block == 0 else 1
                if stride == 2:
                    self.stages.append(nn.Sequential())
                    widths.append(0)
                width = divisible(out_channels * scale)
                rate = drop_connect * built / total
                block = MBConv(channels, width, kernel_size, stride, expansion, excite, padding, rate, style)
                self.stages[-1].add_sublayer(str(len(self.stages[-1])), block)
                channels = widths[-1] = width
                built += 1
        if out_indices[-1] == 5:
            widths.append(divisible(LAST * scale))
            self.stages.append(ConvNorm(channels, widths[-1], kernel_size=1, **style))
        set_norms(self, epsilon=1e-3, momentum=0.99)
        self.finish(out_indices, widths, [2, 4, 8, 16, 32, 32], freeze_stages)


class MBConv(nn.Layer):
    """1x1 up, depthwise, squeeze and excitation, 1x1 down; the shortcut where it fits, with drop-connect."""

    def __init__(self, in_channels, out_channels, kernel_size, stride, expansion, excite, padding, rate, style):
        super().__init__()
        self.shortcut = stride == 1 and in_channels == out_channels
        self.rate = rate
        expanded = in_channels * expansion
        layers = []
        if expansion != 1:
            layers.append(ConvNorm(in_channels, expanded, kernel_size=1, **style))
        layers.append(ConvNorm(expanded, expanded, kernel_size, stride, expanded, padding=padding, **style))
        if excite:
            layers.append(SwishExcitation(expanded, max(1, in_channels // 4)))
        layers.append(ConvNorm(expanded, out_channels, kernel_size=1, activation="none", norm=style["norm"]))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        y = self.layers(x)
        if not self.shortcut:
            return y
        return x + (drop_connect(y, self.rate) if self.training else y)


def drop_connect(x, rate):
    """Sets each sample of an x [N, C, H, W] to 0 with probability `rate`, and divides the others by 1 - rate."""
    if rate == 0:
        return x
    kept = (paddle.rand([x.shape[0], 1, 1, 1], dtype=x.dtype) >= rate).astype(x.dtype)
    return x * kept / (1 - rate)
