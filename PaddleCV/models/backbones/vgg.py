"""Very deep convolutional networks (https://arxiv.org/abs/1409.1556, table 1, columns A, B, D and E).

The convolutions have no bias, unlike the paper's, as the published weights have none.

Shapes in this file:
    N images of H x W pixels; stage i (0 to 4) has stride 2^(i+1) and CHANNELS[i] channels (times `width`).
"""

from paddle import nn

from .staged import StagedBackbone, check_out_indices

# convolutions of each stage
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)


class VGG(StagedBackbone):
    """Five stages of 3x3 convolutions, each of which ends with a 2x2 pooling.

    Args:
        depth (int): 11, 13, 16 or 19, the number of layers with the three of the classifier.
        width (float): multiplies every number of channels; 1.0 is the original.
        out_indices (list[int]): the stages whose outputs are returned, 0 to 4.
        freeze_stages (int): this many stages are not trained; 0 trains all.
        in_channels (int): channels of the image.
    """

    def __init__(self, depth=16, width=1.0, out_indices=(2, 3, 4), freeze_stages=0, in_channels=3):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"VGG has depth {', '.join(map(str, DEPTHS))}, not {depth}")
        out_indices = check_out_indices("VGG", out_indices, len(CHANNELS))
        self.stem, self.stages = nn.Identity(), nn.LayerList()
        widths = []
        for index in range(out_indices[-1] + 1):
            channels = int(CHANNELS[index] * width)
            layers = []
            for _ in range(DEPTHS[depth][index]):
                layers += [nn.Conv2D(in_channels, channels, 3, padding=1, bias_attr=False), nn.ReLU()]
                in_channels = channels
            self.stages.append(nn.Sequential(*layers, nn.MaxPool2D(2, stride=2)))
            widths.append(channels)
        self.finish(out_indices, widths, [2 ** (i + 1) for i in range(len(CHANNELS))], freeze_stages)
