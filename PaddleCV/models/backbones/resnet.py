"""Deep residual learning (https://arxiv.org/abs/1512.03385, table 1) and its variants.

    b    the stride of a bottleneck is in its 3x3 convolution
    vc   b, and three 3x3 convolutions in place of the 7x7 one (https://arxiv.org/abs/1812.01187, figure 2b)
    vd   vc, and an average pooling in place of the stride of a 1x1 shortcut (figure 2c)

The first block has a 1x1 convolution in its shortcut even where its shape stays, as the published weights have it;
`first_shortcut: false` leaves it out.
With squeeze and excitation (https://arxiv.org/abs/1709.01507, figure 3) a block scales its channels before the sum.

Dilation (https://arxiv.org/abs/1706.05587, section 3.1): the stages beyond the output stride keep their resolution, and
all 3x3 convolutions of such a stage, those of its first block too, are dilated by the stride that was left out.

Deformable convolutions (https://arxiv.org/abs/1811.11168) may take the place of the 3x3 ones of bottlenecks.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 3) has stride 2^(i+2), or the output stride where that is less.
"""

from paddle import nn

from ..blocks.conv_norm import ConvNorm
from ..blocks.deformable import DeformableConvNorm
from ..blocks.excitation import ChannelGate
from .output_stride import OUTPUT_STRIDES
from .staged import StagedBackbone, check_out_indices
from .tables import per_stage

DEPTHS = {
    14: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    26: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 12, 48, 3),
}
BASIC = (18, 34)  # the depths whose blocks have two convolutions, not three
VARIANTS = ("b", "vc", "vd")


class ResidualStages(StagedBackbone):
    """Base class of networks with a stem of stride 4 and four stages of residual blocks of any kind.

    Args:
        stem (Layer): image to features at a quarter of its height and width.
        counts (list[int]): blocks of each stage.
        make_block (callable): (stage, is_first, stride, dilation) to the block, which has `out_channels`.
        output_stride (int): 8, 16 or 32.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained.
        multi_grid (list[int]): factors of the dilation of the blocks of the last stage, repeated where there are more.
    """

    def __init__(self, stem, counts, make_block, output_stride, out_indices, freeze_stages, multi_grid=(1,)):
        super().__init__()
        out_indices = check_out_indices(type(self).__name__, out_indices, 4)
        if not multi_grid or min(multi_grid) < 1:
            raise ValueError(f"multi_grid is {list(multi_grid)}; it has numbers of 1 or more")
        self.stem = stem
        self.stages = nn.LayerList()
        channels, strides = [], []
        for stage in range(out_indices[-1] + 1):
            whole = 2 ** (stage + 2)
            stride = 2 if stage > 0 and whole <= output_stride else 1
            dilation = max(1, whole // output_stride)
            grid = multi_grid if stage == 3 else (1,)
            blocks = [
                make_block(stage, position == 0, stride if position == 0 else 1, dilation * grid[position % len(grid)])
                for position in range(counts[stage])
            ]
            self.stages.append(nn.Sequential(*blocks))
            channels.append(blocks[-1].out_channels)
            strides.append(min(whole, output_stride))
        self.finish(out_indices, channels, strides, freeze_stages)


class ResNet(ResidualStages):
    """A stem of stride 4 and four stages of residual blocks.

    Args:
        depth (int): 18, 34, 50, 101, 152 or 200; 14 and 26 are short ones for tests.
        variant (str): b, vc or vd.
        width (float | list[float]): multiplies every number of channels, or those of each stage; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
        output_stride (int): 32, or 16 or 8 for finer features by dilation.
        se (bool): squeeze and excitation in every block.
        blocks (list[int] | None): blocks of each of the four stages; None for those of `depth`.
        deformable_stages (list[int]): the stages, 0 to 3, whose 3x3 convolutions are deformable (DCN v2).
        multi_grid (list[int]): factors of the dilation of the blocks of the last stage (1706.05587, section 4.2.1).
        stem_channels (list[int] | None): of the stem's convolutions before width, one 7x7 or several 3x3; None for
            those of the variant.
        first_shortcut (bool): a 1x1 convolution in the shortcut of the first block, where its shape may stay.
    """

    def __init__(
        self,
        depth=50,
        variant="b",
        width=1.0,
        out_indices=(1, 2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
        se=False,
        blocks=None,
        deformable_stages=(),
        multi_grid=(1,),
        stem_channels=None,
        first_shortcut=True,
    ):
        check_design("ResNet", depth, variant, output_stride)
        if deformable_stages and depth in BASIC:
            raise ValueError(f"ResNet: deformable_stages are those of bottlenecks, which depth {depth} does not have")
        blocks, widths = per_stage("ResNet", blocks or DEPTHS[depth], width, 4)
        first = stem_channels or ((32, 32, 64) if variant != "b" else (64,))
        first = [int(channels * widths[0]) for channels in first]
        kind = BasicBlock if depth in BASIC else Bottleneck

        def channels_of(stage):
            return int(64 * widths[stage]) * 2**stage

        def make_block(stage, is_first, stride, dilation):
            inner = channels_of(stage)
            out_channels = inner * kind.expansion
            before = (
                out_channels if not is_first else first[-1] if stage == 0 else channels_of(stage - 1) * kind.expansion
            )
            changes = is_first and (first_shortcut or stage > 0 or before != out_channels)
            around = shortcut(before, out_channels, stride, variant, norm, stage) if changes else nn.Identity()
            block = kind(before, inner, out_channels, around, stride, dilation, 1, se, norm)
            if stage in deformable_stages:
                block.deform(inner, stride, 1, norm, dilation)
            return block

        super().__init__(
            *(stem(in_channels, first, norm), blocks, make_block, output_stride, out_indices, freeze_stages),
            multi_grid=multi_grid,
        )


class BasicBlock(nn.Layer):
    """Two 3x3 convolutions and the shortcut around them."""

    expansion = 1

    def __init__(self, in_channels, channels, out_channels, around, stride, dilation, groups, se, norm):
        super().__init__()
        self.out_channels = out_channels
        self.first = ConvNorm(in_channels, channels, 3, stride, groups, norm=norm, dilation=dilation)
        self.second = ConvNorm(channels, out_channels, 3, 1, groups, "none", norm, dilation=dilation)
        self.excitation = ChannelGate(out_channels) if se else nn.Identity()
        self.shortcut = around
        self.activation = nn.ReLU()

    def forward(self, x):
        return self.activation(self.shortcut(x) + self.excitation(self.second(self.first(x))))


class Bottleneck(nn.Layer):
    """A 1x1 convolution down, a 3x3, a 1x1 up to the output channels, and the shortcut around them."""

    expansion = 4

    def __init__(self, in_channels, channels, out_channels, around, stride, dilation, groups, se, norm):
        super().__init__()
        self.out_channels = out_channels
        self.reduce = ConvNorm(in_channels, channels, kernel_size=1, norm=norm)
        self.middle = ConvNorm(channels, channels, 3, stride, groups, norm=norm, dilation=dilation)
        self.expand = ConvNorm(channels, out_channels, kernel_size=1, activation="none", norm=norm)
        self.excitation = ChannelGate(out_channels) if se else nn.Identity()
        self.shortcut = around
        self.activation = nn.ReLU()

    def deform(self, channels, stride, groups, norm, dilation):
        """Puts a deformable convolution in the place of the 3x3 one."""
        self.middle = DeformableConvNorm(channels, channels, 3, stride, groups, norm=norm, dilation=dilation)

    def forward(self, x):
        return self.activation(self.shortcut(x) + self.excitation(self.expand(self.middle(self.reduce(x)))))


def residual_stage(stage, in_channels, depth, variant="b", width=1.0, norm="bn"):
    """One stage of a ResNet by itself, and the channels of its output.

    Args:
        stage (int): 0 to 3; all but the first halve the height and width.
        in_channels (int): channels of the input.
        depth (int): that of the ResNet; with the variant, width and norm as of :class:`ResNet`.
        variant (str): b, vc or vd.
        width (float): multiplies every number of channels.
        norm (str): bn, frozen_bn or gn.
    """
    check_design("a stage of ResNet", depth, variant, 32)
    kind = BasicBlock if depth in BASIC else Bottleneck
    inner = int(64 * width) * 2**stage
    out_channels, stride = inner * kind.expansion, 2 if stage else 1
    around = shortcut(in_channels, out_channels, stride, variant, norm, stage)
    blocks = [kind(in_channels, inner, out_channels, around, stride, 1, 1, False, norm)]
    for _ in range(DEPTHS[depth][stage] - 1):
        blocks.append(kind(out_channels, inner, out_channels, nn.Identity(), 1, 1, 1, False, norm))
    return nn.Sequential(*blocks), out_channels


def stem(in_channels, channels, norm):
    """Convolutions of these channels and pooling to a quarter of H and W; one is 7x7, of several each is 3x3."""
    kernel_size = 7 if len(channels) == 1 else 3
    convolutions = []
    for index, out_channels in enumerate(channels):
        convolutions.append(ConvNorm(in_channels, out_channels, kernel_size, 2 if index == 0 else 1, norm=norm))
        in_channels = out_channels
    return nn.Sequential(*convolutions, nn.MaxPool2D(3, stride=2, padding=1))


def shortcut(in_channels, out_channels, stride, variant, norm, stage=0):
    """The way around the first block of a stage: a 1x1 convolution; in vd, after a pooling where the stride is 2."""
    if variant == "vd" and stage > 0:
        pool = nn.AvgPool2D(2, stride=2, ceil_mode=True) if stride == 2 else nn.Identity()
        return nn.Sequential(pool, ConvNorm(in_channels, out_channels, 1, activation="none", norm=norm))
    return ConvNorm(in_channels, out_channels, kernel_size=1, stride=stride, activation="none", norm=norm)


def check_design(name, depth, variant, output_stride, depths=tuple(DEPTHS)):
    """Raises ValueError for a depth, variant or output stride that the network does not have."""
    for what, value, known in (
        ("depth", depth, depths),
        ("variant", variant, VARIANTS),
        ("output_stride", output_stride, OUTPUT_STRIDES),
    ):
        if value not in known:
            raise ValueError(f"{name} has {what} {', '.join(map(str, known))}, not {value!r}")
