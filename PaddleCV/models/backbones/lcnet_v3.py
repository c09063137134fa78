"""PP-LCNetV3, the network of PP-OCRv4 (https://github.com/PaddlePaddle/PaddleOCR, PP-OCRv4; PP-LCNet: 2109.15099).

Depthwise separable blocks whose convolutions are followed by learnable scales and shifts, one number each. The original
trains several branches of a convolution and joins them; here a convolution is one branch with normalization, into which
joined weights fit.

Shapes in this file:
    N images of H x W pixels, C channels, h x w cells; a stage begins with each halving of h or w.
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.conv_norm import ConvNorm
from ..blocks.excitation import SqueezeExcitation
from .staged import StagedBackbone, check_out_indices
from .tables import divisible

# of each stage its blocks: kernel size, output channels, stride, squeeze and excitation
DETECTION = (
    ((3, 32, 1, False),),
    ((3, 64, 2, False), (3, 64, 1, False)),
    ((3, 128, 2, False), (3, 128, 1, False)),
    ((3, 256, 2, False), *((5, 256, 1, False),) * 4),
    ((5, 512, 2, True), (5, 512, 1, True), *((5, 512, 1, False),) * 2),
)
RECOGNITION = (
    ((3, 32, 1, False),),
    ((3, 64, 1, False), (3, 64, 1, False)),
    ((3, 128, (2, 1), False), (3, 128, 1, False)),
    ((3, 256, (1, 2), False), *((5, 256, 1, False),) * 4),
    ((5, 512, (2, 1), True), (5, 512, 1, True), (5, 512, (2, 1), False), (5, 512, 1, False)),
)
BLOCKS = {"detection": DETECTION, "recognition": RECOGNITION}
STEM = 16  # channels


class LCNetV3(StagedBackbone):
    """Depthwise separable blocks with learnable scales and shifts.

    Args:
        model (str): detection halves height and width together, down to 1/32; recognition keeps long lines: 1/16 of
            the height, 1/4 of the width.
        scale (float): multiplies every number of channels, which stay multiples of 16.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self, model="detection", scale=1.0, out_indices=(1, 2, 3, 4), freeze_stages=0, in_channels=3, norm="bn"
    ):
        super().__init__()
        if model not in BLOCKS:
            raise ValueError(f"LCNetV3 is {' or '.join(BLOCKS)}, not {model!r}")
        out_indices = check_out_indices("LCNetV3", out_indices, 5)
        channels, stages, widths, strides, reached = divisible(STEM * scale, 16), [], [], [], 2
        self.stem = ConvNorm(in_channels, channels, stride=2, activation="none", norm=norm)
        for rows in BLOCKS[model][: out_indices[-1] + 1]:
            stages.append([])
            for kernel_size, width, stride, excite in rows:
                width = divisible(width * scale, 16)
                stages[-1].append(LCNetBlock(channels, width, kernel_size, stride, excite, norm))
                channels, reached = width, reached * (stride if isinstance(stride, int) else stride[1])
            widths.append(channels)
            strides.append(reached)
        self.stages = nn.LayerList(nn.Sequential(*blocks) for blocks in stages)
        self.finish(out_indices, widths, strides, freeze_stages)


class LCNetBlock(nn.Layer):
    """A depthwise convolution, squeeze and excitation, a 1x1 convolution: [N, C, h, w] to [N, C', h', w'].

    Args:
        in_channels (int): C.
        out_channels (int): C'.
        kernel_size (int): of the depthwise convolution.
        stride (int | tuple[int, int]): of the depthwise convolution; no activation follows it where it is 2.
        excite (bool): with squeeze and excitation.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, excite, norm):
        super().__init__()
        self.depthwise = ScaledConv(in_channels, in_channels, kernel_size, stride, in_channels, stride != 2, norm)
        self.excite = SqueezeExcitation(in_channels, slope=1 / 6) if excite else None
        self.pointwise = ScaledConv(in_channels, out_channels, 1, 1, 1, True, norm)
        self.stride = (stride, stride) if isinstance(stride, int) else tuple(stride)

    def forward(self, x, inside=None):
        """The block's output.

        Args:
            x (Tensor): float32 [N, C, h, w].
            inside (Tensor | None): float32 [N, 1, 1, w'], 1 for the columns of each image, 0 for those behind it,
                which have no part in what is computed; None where all columns are an image's.
        """
        x = self.depthwise(x)
        if self.excite is not None:
            x = self.excite(x) if inside is None else excited(self.excite, x, inside)
        x = self.pointwise(x)
        return x if inside is None else x * inside


def excited(layer, x, inside):
    """Squeeze and excitation whose means are those of the columns inside.

    Args:
        layer (SqueezeExcitation): the layer.
        x (Tensor): float32 [N, C, h, w].
        inside (Tensor): float32 [N, 1, 1, w], 1 or 0.
    """
    share = F.adaptive_avg_pool2d(inside, 1)  # of the columns
    means = F.adaptive_avg_pool2d(x * inside, 1) / share
    weights = layer.expand(F.relu(layer.reduce(means)))
    return x * F.hardsigmoid(weights, slope=layer.slope, offset=0.5)


class ScaledConv(nn.Layer):
    """Convolution with normalization, a learnable scale and shift, hard swish and another scale and shift.

    Args:
        in_channels (int): channels of the input.
        out_channels (int): channels of the output.
        kernel_size (int): of the convolution.
        stride (int | tuple[int, int]): of the convolution.
        groups (int): of the convolution.
        activate (bool): with hard swish and the second scale.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, groups, activate, norm):
        super().__init__()
        self.conv = ConvNorm(in_channels, out_channels, kernel_size, stride, groups, activation="none", norm=norm)
        self.affine = Affine()
        self.after = Affine() if activate else None

    def forward(self, x):
        x = self.affine(self.conv(x)) if self.training else self.joined(x)
        return x if self.after is None else self.after(F.hardswish(x))

    def joined(self, x):
        """The same for inference, scale and shift in those of the normalization: exported, one convolution remains."""
        norm, scale, shift = self.conv.norm, self.affine.scale, self.affine.shift
        if not isinstance(norm, nn.layer.norm._BatchNormBase):
            return self.affine(self.conv(x))
        weight, bias = norm.weight * scale, norm.bias * scale + shift
        epsilon = norm._epsilon
        return F.batch_norm(self.conv.conv(x), norm._mean, norm._variance, weight, bias, False, epsilon=epsilon)


class Affine(nn.Layer):
    """scale * x + shift, two learnable numbers, for x of any shape."""

    def __init__(self):
        super().__init__()
        self.scale = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))
        self.shift = self.create_parameter([1], default_initializer=nn.initializer.Constant(0.0))

    def forward(self, x):
        return self.scale * x + self.shift
