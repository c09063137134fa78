"""The image cascade of ICNet (https://arxiv.org/abs/1704.08545, figure 2): branches of 1, 1/2 and 1/4 of its size.

As in the original definition, the branch of 1/4 is that of 1/2, halved after its third stage; all are fused from the
coarsest to the finest.

Shapes in this file:
    N images of H x W pixels; the features have the sizes H / 4, H / 8 and H / 16, the finest first.
"""

from paddle import nn
from paddle.nn import functional as F

from ..blocks.batch_norm import set_norms
from ..blocks.conv_norm import ConvNorm
from ..blocks.upsample import resize_as, resize_to
from .resnet import Bottleneck, shortcut
from .staged import StagedBackbone

BINS = (1, 2, 3, 4)  # cells along each side of the grids of the pyramid
LAST_STAGES = ((512, 6, 2), (1024, 3, 4))  # channels, blocks, dilation


class ICNet(StagedBackbone):
    """The fused features of three branches; heads of them are `FCNHead` with `convs: 0`, each trained by its own loss.

    Args:
        width (float): multiplies every number of channels; 1.0 is the original.
        blocks (list[int]): of the second to the fifth stage.
        in_channels (int): channels of the image.
        norm (str): bn (momentum 0.95), frozen_bn or gn.
        align_corners (bool): of every change of size, see `resize_to`.
    """

    def __init__(self, width=1.0, blocks=(3, 4, 6, 3), in_channels=3, norm="bn", align_corners=True):
        super().__init__()
        if len(blocks) != 4 or min(blocks) < 1:
            raise ValueError(f"ICNet got blocks {list(blocks)}; it has four stages of 1 block or more")

        def wide(channels):
            return max(1, int(channels * width))

        def stage(before, channels, count, stride=1, dilation=1):
            around = shortcut(before, channels, stride, "b", norm)
            found = [ReducedBottleneck(before, channels, around, stride, dilation, norm)]
            found += [ReducedBottleneck(channels, channels, nn.Identity(), 1, dilation, norm) for _ in range(count - 1)]
            return found

        first, second, third = wide(32), wide(64), wide(128)
        self.align_corners = align_corners
        self.stem = nn.Sequential(
            ConvNorm(in_channels, first, stride=2, norm=norm),
            ConvNorm(first, first, norm=norm),
            ConvNorm(first, second, norm=norm),
            nn.MaxPool2D(3, stride=2, padding=1),
        )
        middle = stage(third, wide(256), blocks[1], stride=2)
        self.shared = nn.Sequential(*stage(second, third, blocks[0]), middle[0])
        coarse, before = middle[1:], wide(256)
        for (channels, _, dilation), count in zip(LAST_STAGES, blocks[2:]):
            coarse += stage(before, wide(channels), count, dilation=dilation)
            before = wide(channels)
        self.coarse = nn.Sequential(*coarse)
        self.coarse_out = ConvNorm(before, wide(256), kernel_size=1, norm=norm)
        self.half_out = ConvNorm(wide(256), third, kernel_size=1, activation="none", norm=norm)
        self.fine = nn.Sequential(
            ConvNorm(in_channels, first, stride=2, norm=norm),
            ConvNorm(first, first, stride=2, norm=norm),
            ConvNorm(first, second, stride=2, norm=norm),
            ConvNorm(second, third, kernel_size=1, activation="none", norm=norm),
        )
        self.fuse_half = ConvNorm(wide(256), third, activation="none", norm=norm, dilation=2)
        self.fuse_fine = ConvNorm(third, third, activation="none", norm=norm, dilation=2)
        set_norms(self, epsilon=1e-5, momentum=0.95)
        self.stages = nn.LayerList()  # of those that freezing knows, none
        self.finish((0, 1, 2), [third, third, wide(256)], [4, 8, 16], 0)

    def forward(self, image):
        """Features of the strides 4, 8 and 16: all branches fused, the two coarser ones fused, the coarsest one."""
        height, width = image.shape[2:]
        half = self.shared(self.stem(self.resize(image, [height // 2, width // 2])))  # stride 16
        x = self.coarse(self.resize(half, [height // 32, width // 32]))
        grids = [F.adaptive_avg_pool2d(x, size) for size in BINS]
        x = x + sum(resize_as(grid, x, self.align_corners) for grid in grids)
        coarse, fine = resize_as(self.coarse_out(x), half, self.align_corners), self.fine(image)
        both = F.relu(self.fuse_half(coarse) + self.half_out(half))
        both = resize_as(both, fine, self.align_corners)
        every = self.resize(F.relu(self.fuse_fine(both) + fine), [(height + 3) // 4, (width + 3) // 4])
        return [every, both, coarse]

    def resize(self, x, size):
        """[N, C, h, w] in another size, [height, width]."""
        return resize_to(x, size, self.align_corners)


class ReducedBottleneck(Bottleneck):
    """A bottleneck of a quarter of the channels, whose stride is in its first 1x1 convolution."""

    def __init__(self, in_channels, channels, around, stride, dilation, norm):
        inner = max(1, channels // 4)
        super().__init__(in_channels, inner, channels, around, 1, dilation, 1, False, norm)
        self.reduce = ConvNorm(in_channels, inner, kernel_size=1, stride=stride, norm=norm)
