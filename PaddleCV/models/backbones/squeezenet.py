"""SqueezeNet (https://arxiv.org/abs/1602.07360, table 1, without bypass), and its version 1.1 of fewer operations.

    1.0   a 7x7 convolution to 96 channels; poolings before fire2, fire5 and fire9
    1.1   a 3x3 convolution to 64 channels; poolings before fire2, fire4 and fire6

As in the published weights no pooling is padded, nor is the 7x7 convolution.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 2) has about 1/2^(i+2) of H and W.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .staged import StagedBackbone, check_out_indices

# kernel size, padding and channels of the convolution; of each fire module by stages, channels squeezed and expanded to
VERSIONS = {
    "1.0": (
        (7, 0, 96),
        (((16, 64), (16, 64), (32, 128)), ((32, 128), (48, 192), (48, 192), (64, 256)), ((64, 256),)),
    ),
    "1.1": (
        (3, 1, 64),
        (((16, 64), (16, 64)), ((32, 128), (32, 128)), ((48, 192), (48, 192), (64, 256), (64, 256))),
    ),
}


class SqueezeNet(StagedBackbone):
    """A convolution of stride 2, and eight fire modules in three stages that begin with a pooling each.

    Args:
        version (str): 1.0 or 1.1.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 2.
        freeze_stages (int): the stem and this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
    """

    def __init__(self, version="1.1", width=1.0, out_indices=(0, 1, 2), freeze_stages=0, in_channels=3):
        super().__init__()
        if str(version) not in VERSIONS:
            raise ValueError(f"SqueezeNet has version {' or '.join(VERSIONS)}, not {version!r}")
        (kernel_size, padding, channels), stages = VERSIONS[str(version)]
        out_indices = check_out_indices("SqueezeNet", out_indices, len(stages))
        channels = int(channels * width)
        self.stem = nn.Sequential(nn.Conv2D(in_channels, channels, kernel_size, 2, padding), nn.ReLU())
        self.stages = nn.LayerList()
        widths = []
        for index in range(out_indices[-1] + 1):
            layers = [nn.MaxPool2D(3, stride=2)]
            for squeezed, expanded in stages[index]:
                layers.append(Fire(channels, int(squeezed * width), int(expanded * width)))
                channels = 2 * int(expanded * width)
            self.stages.append(nn.Sequential(*layers))
            widths.append(channels)
        self.finish(out_indices, widths, [2 ** (i + 2) for i in range(len(stages))], freeze_stages)


class Fire(nn.Layer):
    """A 1x1 convolution down, then a 1x1 and a 3x3 side by side, to `expanded` channels each (figure 1)."""

    def __init__(self, in_channels, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2D(in_channels, squeezed, 1)
        self.expand_one = nn.Conv2D(squeezed, expanded, 1)
        self.expand_three = nn.Conv2D(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        # not one ReLU of both: PaddlePaddle 3.3's oneDNN pass fails on one that follows a concatenation of biased ones
        return paddle.concat([F.relu(self.expand_one(x)), F.relu(self.expand_three(x))], axis=1)
