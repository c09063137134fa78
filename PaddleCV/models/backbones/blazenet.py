"""The network of BlazeFace (https://arxiv.org/abs/1907.05047, section 3 and figure 1).

Shapes in this file:
    N images of H x W pixels, C channels.
"""

import itertools
import operator

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from .staged import StagedBackbone, check_out_indices

# (channels, stride) of the single blocks; (channels of the bottleneck, channels, stride) of the double blocks
SINGLES = ((24, 1), (24, 1), (48, 2), (48, 1), (48, 1))
DOUBLES = ((24, 96, 2), (24, 96, 1), (24, 96, 1), (24, 96, 2), (24, 96, 1), (24, 96, 1))


class BlazeNet(StagedBackbone):
    """A convolution, single and double BlazeBlocks; every block of stride 2 begins a stage.

    The stages of the original have strides 2, 4, 8 and 16.

    Args:
        stem (list[int]): channels and kernel size of the first convolution, of stride 2.
        singles (list[list[int]]): of each single block the channels and the stride, 1 or 2.
        doubles (list[list[int]]): of each double block the channels of its bottleneck, the channels and the stride.
        kernel_size (int): of the blocks, odd.
        dense_bottleneck (bool): the second large convolution of a double block sees all channels, as in the published
            networks; otherwise it is depthwise, as in the paper.
        projected (bool): a shortcut that changes shape is a 1x1 convolution; otherwise its new channels are 0, as in
            the paper and in MediaPipe.
        depthwise_norm (bool): normalization after the depthwise convolutions; MediaPipe's network has none.
        same (bool): padding is TensorFlow's SAME; else it is equal on all sides.
        out_indices (list[int]): the stages whose outputs are returned.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self,
        stem=(24, 3),
        singles=SINGLES,
        doubles=DOUBLES,
        kernel_size=5,
        dense_bottleneck=True,
        projected=True,
        depthwise_norm=True,
        same=False,
        out_indices=(2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
    ):
        super().__init__()
        rows = [(*check_block("singles", row, 2), None) for row in singles]
        rows += [(outer, stride, inner) for inner, outer, stride in (check_block("doubles", row, 3) for row in doubles)]
        starts = [0, *(place for place, (_, stride, _) in enumerate(rows) if stride == 2 and place)]
        groups = [rows[start:stop] for start, stop in zip(starts, [*starts[1:], len(rows)])]
        out_indices = check_out_indices("BlazeNet", out_indices, len(groups))
        channels, stem_kernel = stem
        padding = "same" if same else None
        self.stem = ConvNorm(in_channels, channels, stem_kernel, stride=2, norm=norm, padding=padding)
        more = (kernel_size, dense_bottleneck, norm, projected, depthwise_norm, padding)
        self.stages = nn.LayerList()
        for group in groups[: out_indices[-1] + 1]:
            blocks = []
            for outer, stride, inner in group:
                blocks.append(BlazeBlock(channels, outer, stride, inner, *more))
                channels = outer
            self.stages.append(nn.Sequential(*blocks))
        self.finish(
            out_indices,
            channels=[group[-1][0] for group in groups],
            strides=list(itertools.accumulate((group[0][1] for group in groups), operator.mul, initial=2))[1:],
            freeze_stages=freeze_stages,
        )


class BlazeBlock(nn.Layer):
    """A large depthwise convolution, a 1x1 convolution, in a double block both twice; and a shortcut (figure 1).

    Where the block shrinks the image or changes the channels, the shortcut is max pooled, and a 1x1 convolution or
    filled up with channels of 0.

    Args:
        in_channels (int): C of the input.
        out_channels (int): C of the output.
        stride (int): 1 or 2.
        bottleneck (int | None): channels within a double block; None for a single one.
        kernel_size (int): of the large convolutions.
        dense_bottleneck (bool): the second large convolution is not depthwise.
        norm (str): bn, frozen_bn or gn.
        projected (bool): the shortcut is a 1x1 convolution where it changes shape.
        depthwise_norm (bool): normalization after the depthwise convolutions.
        padding (str | None): of the first convolution, as of ConvNorm.

    Raises:
        ValueError: an unprojected shortcut would have fewer, or more than twice as many channels.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        stride,
        bottleneck,
        kernel_size,
        dense_bottleneck,
        norm,
        projected,
        depthwise_norm,
        padding,
    ):
        super().__init__()
        if not projected and not in_channels <= out_channels <= 2 * in_channels:
            raise ValueError(f"BlazeNet: {out_channels} channels after {in_channels} need projected: true")
        inner = bottleneck or out_channels
        first = {"activation": "relu" if bottleneck else "none", "norm": norm}
        plain = {"activation": "none", "norm": norm}
        depthwise = ConvNorm(in_channels, in_channels, kernel_size, stride, in_channels, padding=padding, **plain)
        layers = [depthwise if depthwise_norm else depthwise.conv, ConvNorm(in_channels, inner, 1, **first)]
        if bottleneck:
            groups = 1 if dense_bottleneck else inner
            layers.append(ConvNorm(inner, inner, kernel_size, groups=groups, **plain))
            layers.append(ConvNorm(inner, out_channels, 1, **plain))
        self.layers = nn.Sequential(*layers)
        pool = [nn.MaxPool2D(stride, stride, ceil_mode=True)] if stride > 1 else []
        changed = stride > 1 or in_channels != out_channels
        project = [ConvNorm(in_channels, out_channels, 1, **plain)] if changed and projected else []
        self.shortcut = nn.Sequential(*pool, *project)
        self.missing = 0 if projected else out_channels - in_channels

    def forward(self, x):
        """Features [N, in_channels, H, W] to [N, out_channels, H / stride, W / stride], rounded up."""
        short = self.shortcut(x)
        if self.missing:  # F.pad of channels crashes the oneDNN predictor of PaddlePaddle 3.3
            short = paddle.concat([short, 0 * short[:, : self.missing]], axis=1)
        return F.relu(short + self.layers(x))


def check_block(key, row, count):
    """The row of a block: `count` numbers of 1 or more, the stride at its end."""
    row = tuple(row)
    if len(row) != count or any(not isinstance(n, int) or n < 1 for n in row) or row[-1] > 2:
        names = "channels, stride" if count == 2 else "channels of the bottleneck, channels, stride"
        raise ValueError(f"BlazeNet got a block {list(row)} in {key}; it is [{names}], the stride 1 or 2")
    return row
