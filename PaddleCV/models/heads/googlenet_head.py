"""The head of GoogLeNet, with its two auxiliary classifiers (https://arxiv.org/abs/1409.4842, section 5).

Shapes in this file:
    N images, D channels of a feature, H x W cells, C classes.
"""

from paddle import nn
from paddle.nn import functional as F

from ..backbones.googlenet import convolution
from .classifier_head import classifier_layer, dropout_layer
from .fully_connected_head import hidden_layer


class GoogLeNetHead(nn.Layer):
    """Global average pooling, dropout, a linear layer; in training two auxiliary classifiers of earlier features too.

    Args:
        in_channels (list[int]): channels of three features, given by the backbone: two for the auxiliary classifiers,
            the finer first, and the last.
        num_classes (int): C.
        dropout (float): probability that a pooled channel is dropped in training.
        auxiliary_dropout (float): the same before the last layer of an auxiliary classifier.
        auxiliary_weight (float): of the loss of each auxiliary classifier.
        cells (int): cells along each side that an auxiliary classifier sees; 3 for images of 224 pixels.
        hidden (int): outputs of the first linear layer of an auxiliary classifier.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        dropout=0.4,
        auxiliary_dropout=0.7,
        auxiliary_weight=0.3,
        cells=3,
        hidden=1024,
    ):
        super().__init__()
        if len(in_channels) != 3:
            raise ValueError(f"GoogLeNetHead takes 3 features, the backbone gives {len(in_channels)}; its out_indices")
        self.auxiliary_weight = auxiliary_weight
        self.dropout = dropout_layer(dropout)
        self.fc = classifier_layer(in_channels[-1], num_classes)
        self.auxiliaries = nn.LayerList(
            AuxiliaryClassifier(channels, num_classes, auxiliary_dropout, cells, hidden) for channels in in_channels[:2]
        )

    def forward(self, features):
        """Logits [N, C] of three features, the last of them [N, D, H, W]."""
        return self.fc(self.dropout(F.adaptive_avg_pool2d(features[-1], 1).flatten(1)))

    def auxiliary(self, features):
        """A list of two logits [N, C], of the first and the second of three features."""
        return [classifier(feature) for classifier, feature in zip(self.auxiliaries, features)]


class AuxiliaryClassifier(nn.Layer):
    """Average pooling, a 1x1 convolution to 128 channels, two linear layers.

    As in the published weights, the convolution has neither bias nor ReLU.

    Args:
        in_channels (int): D.
        num_classes (int): C.
        dropout (float): probability that a hidden unit is dropped in training.
        cells (int): cells along each side of the first linear layer's input.
        hidden (int): outputs of the first linear layer.
    """

    def __init__(self, in_channels, num_classes, dropout, cells, hidden):
        super().__init__()
        self.cells = cells
        self.conv = convolution(in_channels, 128, 1)
        self.hidden = hidden_layer(128 * cells * cells, hidden)
        self.dropout = dropout_layer(dropout)
        self.fc = classifier_layer(hidden, num_classes)

    def forward(self, x):
        """Logits [N, C] of a feature [N, D, H, W]."""
        x = F.avg_pool2d(x, 5, stride=3) if min(x.shape[2:]) >= 5 else x  # [N, D, about H / 3, about W / 3]
        x = self.conv(F.adaptive_avg_pool2d(x, self.cells)).flatten(1)
        return self.fc(self.dropout(F.relu(self.hidden(x))))
