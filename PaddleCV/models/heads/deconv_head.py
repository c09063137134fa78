"""The head of simple baselines for human pose estimation (https://arxiv.org/abs/1804.06208, section 2).

Shapes in this file:
    N images, K keypoints, h x w cells of the coarsest feature.
"""

from paddle import nn

DEVIATION = 0.001  # of the normal distribution that all weights of convolutions begin with


class DeconvHead(nn.Layer):
    """Transposed convolutions, each of which doubles the height and width, and a convolution to heat maps.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last one is used.
        num_classes (int): K.
        channels (list[int]): of each transposed convolution.
        kernel_size (int): of the transposed convolutions, 2, 3 or 4.
        final_kernel_size (int): of the last convolution, 1 or 3.
    """

    def __init__(self, in_channels, num_classes, channels=(256, 256, 256), kernel_size=4, final_kernel_size=1):
        super().__init__()
        if kernel_size not in (2, 3, 4) or final_kernel_size not in (1, 3):
            raise ValueError(
                f"DeconvHead got kernel_size {kernel_size} and final_kernel_size {final_kernel_size}; "
                "the first is 2, 3 or 4, the second 1 or 3"
            )
        start = nn.initializer.Normal(std=DEVIATION)
        layers, before = [], in_channels[-1]
        for count in channels:
            layers += [
                nn.Conv2DTranspose(
                    *(before, count, kernel_size),
                    stride=2,
                    padding=(kernel_size - 1) // 2,
                    output_padding=kernel_size % 2,
                    weight_attr=start,
                    bias_attr=False,
                ),
                nn.BatchNorm2D(count),
                nn.ReLU(),
            ]
            before = count
        self.enlarge = nn.Sequential(*layers)
        self.classifier = nn.Conv2D(
            before, num_classes, final_kernel_size, padding=final_kernel_size // 2, weight_attr=start
        )

    def forward(self, features):
        """Heat maps [N, K, 2^n h, 2^n w] of n transposed convolutions."""
        return self.classifier(self.enlarge(features[-1]))
