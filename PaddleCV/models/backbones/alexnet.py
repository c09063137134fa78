"""AlexNet, in its form for one device (https://arxiv.org/abs/1404.5997, footnote 1).

The published weights are of this form: 64, 192, 384, 256 and 256 channels, no groups, no local response normalization,
where the first paper (NIPS 2012, section 3.5) has 96, 256, 384, 384 and 256 over two devices.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 2) has about 1/2^(i+3) of H and W: nothing is padded before a pooling.
"""

from paddle import nn

from .staged import StagedBackbone, check_out_indices

# kernel size, stride, padding and channels of each convolution, by stages; a stage ends with a pooling
STAGES = (
    ((11, 4, 2, 64),),
    ((5, 1, 2, 192),),
    ((3, 1, 1, 384), (3, 1, 1, 256), (3, 1, 1, 256)),
)


class AlexNet(StagedBackbone):
    """Five convolutions in three stages, each of which ends with a 3x3 pooling of stride 2.

    Args:
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 2.
        freeze_stages (int): this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
    """

    def __init__(self, width=1.0, out_indices=(0, 1, 2), freeze_stages=0, in_channels=3):
        super().__init__()
        out_indices = check_out_indices("AlexNet", out_indices, len(STAGES))
        self.stem, self.stages = nn.Identity(), nn.LayerList()
        widths = []
        for index in range(out_indices[-1] + 1):
            layers = []
            for kernel_size, stride, padding, channels in STAGES[index]:
                channels = int(channels * width)
                layers += [nn.Conv2D(in_channels, channels, kernel_size, stride, padding), nn.ReLU()]
                in_channels = channels
            self.stages.append(nn.Sequential(*layers, nn.MaxPool2D(3, stride=2)))
            widths.append(in_channels)
        self.finish(out_indices, widths, [2 ** (i + 3) for i in range(len(STAGES))], freeze_stages)
