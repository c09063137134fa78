"""The head of an embedding network: global average pooling and one linear layer.

Shapes in this file:
    N images, D channels of the last feature, H x W cells, E numbers of an embedding.
"""

from paddle import nn
from paddle.nn import functional as F

from .classifier_head import classifier_layer


class EmbeddingHead(nn.Layer):
    """Global average pooling, then a linear layer to the embedding.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        size (int): E; 0 for the pooled feature itself, of D numbers.
    """

    def __init__(self, in_channels, size=256):
        super().__init__()
        if size < 0:
            raise ValueError(f"EmbeddingHead has size {size}; it is 0 or more")
        self.out_channels = size or in_channels[-1]
        self.fc = classifier_layer(in_channels[-1], size) if size else nn.Identity()

    def forward(self, features):
        """The embedding [N, E], not normalized, of features whose last is [N, D, H, W]."""
        return self.fc(F.adaptive_avg_pool2d(features[-1], 1).flatten(1))
