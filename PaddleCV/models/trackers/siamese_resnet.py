"""A ResNet-50 of stride 8 as both arms of SiamMask, and its neck (https://arxiv.org/abs/1812.05050, appendix A).

It is the first four parts of the ResNet of https://arxiv.org/abs/1512.03385, changed so that padding hardly reaches the
features: the stem and the convolutions of stride 2 have none, and the last stage is dilated instead of halved.

Shapes in this file:
    N crops of H x W pixels; level i (0 to 3) is the stem before its pooling, then the stages.
"""

from paddle import nn

from ..backbones.resnet import Bottleneck
from ..blocks.conv_norm import ConvNorm

STRIDES = (2, 4, 8)  # of the levels 0 to 2; the last has that of level 2
NARROW, CUT = 20, 4  # maps of fewer cells lose so many at each border, which padding has reached


class SiameseResNet(nn.Layer):
    """The stem and three stages of bottlenecks, and a convolution of 1x1 after them.

    127 pixels become 15 cells, of which the middle 7 are kept; 255 become 31.

    Args:
        width (float): multiplies every number of channels of the stages; 1.0 is the original.
        blocks (list[int]): of each stage.
        neck (int): channels of the features.
        narrow (int): features of fewer cells on a side are cut.
        cut (int): cells that these lose at each border.
        freeze (bool): the stem and the stages are not trained and keep their statistics.
    """

    stride = STRIDES[-1]

    def __init__(self, width=1.0, blocks=(3, 4, 6), neck=256, narrow=NARROW, cut=CUT, freeze=False):
        super().__init__()
        if len(blocks) != 3 or min(blocks) < 1:
            raise ValueError(f"SiameseResNet got the blocks {list(blocks)}; it has three stages of 1 or more")
        channels = int(64 * width)
        self.stem = ConvNorm(3, channels, 7, 2, padding=0)
        self.pool = nn.MaxPool2D(3, 2, padding=1)
        self.level_channels, self.stages = [channels], nn.LayerList()
        for stage, count in enumerate(blocks):
            layers = [first_block(stage, self.level_channels[-1], channels * 2**stage)]
            inner, wide = channels * 2**stage, layers[0].out_channels
            dilation = 2 if stage == 2 else 1
            for _ in range(count - 1):
                layers.append(Bottleneck(wide, inner, wide, nn.Identity(), 1, dilation, 1, False, "bn"))
            self.stages.append(nn.Sequential(*layers))
            self.level_channels.append(wide)
        self.neck = ConvNorm(self.level_channels.pop(), neck, 1, activation="none")
        self.out_channels, self.narrow, self.cut = neck, narrow, cut
        self.frozen = [self.stem, self.stages] * freeze
        for part in self.frozen:
            for parameter in part.parameters():
                parameter.stop_gradient = True

    def train(self, *args):
        """Training mode, but of the frozen parts, which stay as they are."""
        super().train(*args)
        for part in self.frozen:
            part.eval()

    def sizes(self, pixels):
        """The cells of a side of this many pixels at the levels 0 to 2 (list[int])."""
        stem = (pixels - 7) // 2 + 1
        first = (stem - 1) // 2 + 1
        return [stem, first, (first - 3) // 2 + 1]

    def cells(self, pixels):
        """The cells of the features of a side of this many pixels (int)."""
        count = self.sizes(pixels)[-1]
        return count - 2 * self.cut if count < self.narrow else count

    def levels(self, image):
        """The levels 0 to 2 [N, C_i, H_i, W_i] (list[Tensor]), and the features [N, out_channels, H', W']."""
        found = [self.stem(image)]
        x = self.pool(found[0])
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        features = self.neck(found.pop())
        if features.shape[3] < self.narrow:
            features = features[:, :, self.cut : -self.cut or None, self.cut : -self.cut or None]
        return found, features

    def forward(self, image):
        """Features [N, out_channels, H', W'] of crops [N, 3, H, W] with values of 0 to 255."""
        return self.levels(image)[1]


def first_block(stage, in_channels, channels):
    """The first block of a stage: its shortcut is a convolution, of 3x3 without padding where the stride is 2."""
    stride, padding = (2, 0) if stage == 1 else (1, 1)
    kernel = 1 if stage == 0 else 3
    around = ConvNorm(
        in_channels, channels * 4, kernel, stride, activation="none", padding=padding if kernel == 3 else 0
    )
    block = Bottleneck(in_channels, channels, channels * 4, around, stride, 1, 1, False, "bn")
    block.middle = ConvNorm(channels, channels, 3, stride, padding=padding)
    return block
