"""The head of an embedding network: average pooling and one linear layer.

Shapes in this file:
    N images, D channels of the last feature, H x W cells, E numbers of an embedding, G x G parts of the image.
"""

from paddle import nn
from paddle.nn import functional as F

from .classifier_head import classifier_layer


class EmbeddingHead(nn.Layer):
    """Average pooling of the image, or of each of its parts, then a linear layer to the embedding.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        size (int): E; 0 for the pooled feature itself, of D * G * G numbers.
        grid (int): G; 1 pools the whole image, so that places do not count, 2 its quarters.
    """

    def __init__(self, in_channels, size=256, grid=1):
        super().__init__()
        if size < 0 or grid < 1:
            raise ValueError(f"EmbeddingHead has size {size}, grid {grid}; allowed: 0 or more, and 1 or more")
        self.grid, pooled = grid, in_channels[-1] * grid**2
        self.out_channels = size or pooled
        self.fc = classifier_layer(pooled, size) if size else nn.Identity()

    def forward(self, features):
        """The embedding [N, E], not normalized, of features whose last is [N, D, H, W]."""
        return self.fc(F.adaptive_avg_pool2d(features[-1], self.grid).flatten(1))
