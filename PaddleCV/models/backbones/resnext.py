"""Aggregated residual transformations (https://arxiv.org/abs/1611.05431, table 1), and their kin.

"32x4d" is `groups` 32 and `width_per_group` 4: the 3x3 convolution of stage i has groups * width_per_group * 2^i
channels in `groups` groups, and a block gives 256 * 2^i channels whatever that is.

    ResNeXt101_32x48d_wsl   groups 32, width_per_group 48 (https://arxiv.org/abs/1805.00932)
    SE_ResNeXt50_32x4d      se (https://arxiv.org/abs/1709.01507, table 1)
    SENet154_vd             depth 152, groups 64, width_per_group 4, se, vd; the paper's (section 6.1, "SENet-154") also
                            halves the channels of the first 1x1 convolution of a block, the published weights do not

Where squeeze and excitation meets a deep stem (vc, vd), that has 64, 64 and 128 channels instead of 32, 32 and 64.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 3) has stride 2^(i+2), or the output stride where that is less.
"""

from paddle import nn

from .resnet import BASIC, DEPTHS, Bottleneck, ResidualStages, check_design, shortcut, stem


class ResNeXt(ResidualStages):
    """A stem of stride 4 and four stages of bottlenecks whose 3x3 convolution is in groups.

    Args:
        depth (int): 50, 101 or 152; 14 and 26 are short ones for tests.
        variant (str): b, vc or vd, as of ResNet.
        groups (int): of the 3x3 convolution, the paper's cardinality.
        width_per_group (int): channels of each group in stage 0.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 3.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn or frozen_bn.
        output_stride (int): 32, or 16 or 8 for finer features by dilation.
        se (bool): squeeze and excitation in every block.
        deformable_stages (list[int]): the stages, 0 to 3, whose 3x3 convolutions are deformable (DCN v2).
    """

    def __init__(
        self,
        depth=50,
        variant="b",
        groups=32,
        width_per_group=4,
        out_indices=(1, 2, 3),
        freeze_stages=0,
        in_channels=3,
        norm="bn",
        output_stride=32,
        se=False,
        deformable_stages=(),
    ):
        check_design("ResNeXt", depth, variant, output_stride, [depth for depth in DEPTHS if depth not in BASIC])
        if variant == "b":
            first = (64,)
        else:
            first = (64, 64, 128) if se else (32, 32, 64)

        def make_block(stage, is_first, stride, dilation):
            inner = groups * width_per_group * 2**stage
            out_channels = 256 * 2**stage
            before = out_channels if not is_first else first[-1] if stage == 0 else out_channels // 2
            around = shortcut(before, out_channels, stride, variant, norm, stage) if is_first else nn.Identity()
            block = Bottleneck(before, inner, out_channels, around, stride, dilation, groups, se, norm)
            if stage in deformable_stages:
                block.deform(inner, stride, groups, norm, dilation)
            return block

        super().__init__(
            stem(in_channels, first, norm), DEPTHS[depth], make_block, output_stride, out_indices, freeze_stages
        )
