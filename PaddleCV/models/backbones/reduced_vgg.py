"""VGG without its classifier, reduced to convolutions (SSD, https://arxiv.org/abs/1512.02325, section 3).

The fully connected layers fc6 and fc7 become a dilated 3x3 and a 1x1 convolution, the last pooling keeps the size, and
all poolings round up.  The convolutions have biases, and features are taken before the pooling.  In face detectors the
last pooling shrinks too, and fc6 is not dilated (S3FD, https://arxiv.org/abs/1708.05237, section 3.1).

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^i and the channels of VGG, stage 5 (fc7) stride 16 or 32.
"""

from paddle import nn

from .staged import StagedBackbone, check_out_indices
from .vgg import CHANNELS, DEPTHS

LAST = 1024


class ReducedVGG(StagedBackbone):
    """Five stages of 3x3 convolutions, and fc6 and fc7 as convolutions.

    Args:
        depth (int): 11, 13, 16 or 19, that of the VGG.
        width (float): multiplies every number of channels; 1.0 is the original.
        dilated (bool): the last pooling keeps the size and fc6 is dilated; otherwise it halves the size.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 5.
        freeze_stages (int): this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
    """

    def __init__(self, depth=16, width=1.0, dilated=True, out_indices=(3, 5), freeze_stages=0, in_channels=3):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"ReducedVGG has depth {', '.join(map(str, DEPTHS))}, not {depth}")
        out_indices = check_out_indices("ReducedVGG", out_indices, len(CHANNELS) + 1)
        self.stem, self.stages = nn.Identity(), nn.LayerList()
        widths = [int(channels * width) for channels in (*CHANNELS, LAST)]
        for index in range(min(out_indices[-1], len(CHANNELS) - 1) + 1):
            layers = [nn.MaxPool2D(2, stride=2, ceil_mode=True)] if index else []
            for _ in range(DEPTHS[depth][index]):
                layers += [nn.Conv2D(in_channels, widths[index], 3, padding=1), nn.ReLU()]
                in_channels = widths[index]
            self.stages.append(nn.Sequential(*layers))
        if out_indices[-1] == len(CHANNELS):
            pool = nn.MaxPool2D(3, stride=1, padding=1) if dilated else nn.MaxPool2D(2, stride=2, ceil_mode=True)
            reach = 6 if dilated else 1
            self.stages.append(
                nn.Sequential(
                    pool,
                    *(nn.Conv2D(in_channels, widths[-1], 3, padding=reach, dilation=reach), nn.ReLU()),
                    *(nn.Conv2D(widths[-1], widths[-1], 1), nn.ReLU()),
                )
            )
        self.finish(
            out_indices, widths, [*(2**index for index in range(len(CHANNELS))), 16 if dilated else 32], freeze_stages
        )
