"""The classifier heads of AlexNet and VGG: pooling to a fixed size, two hidden linear layers, one for the classes.

Shapes in this file:
    N images, D channels of the last feature, H x W cells, P x P cells after the pooling, C classes.
"""

from paddle import ParamAttr, nn
from paddle.nn import functional as F

from .classifier_head import classifier_layer, dropout_layer


class FullyConnectedHead(nn.Layer):
    """Three linear layers with ReLU and dropout between (https://arxiv.org/abs/1409.1556, section 2.1).

    Average pooling to P x P cells, which changes nothing at the image size of the paper, allows other sizes.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        cells (int): P; 6 for AlexNet, 7 for VGG.
        hidden (int): outputs of the first and of the second layer.
        dropout (float): probability that a unit is dropped in training.
        dropout_first (bool): dropout before the first two layers, as in AlexNet, not after them, as in VGG.
    """

    def __init__(self, in_channels, num_classes, cells=7, hidden=4096, dropout=0.5, dropout_first=False):
        super().__init__()
        self.cells = cells
        self.dropout = dropout_layer(dropout)
        self.dropout_first = dropout_first
        self.first = hidden_layer(in_channels[-1] * cells * cells, hidden)
        self.second = hidden_layer(hidden, hidden)
        self.fc = classifier_layer(hidden, num_classes)

    def forward(self, features):
        """Logits [N, C] of features whose last is [N, D, H, W]."""
        x = F.adaptive_avg_pool2d(features[-1], self.cells).flatten(1)  # [N, D * P * P]
        for layer in (self.first, self.second):
            x = F.relu(layer(self.dropout(x))) if self.dropout_first else self.dropout(F.relu(layer(x)))
        return self.fc(x)


def hidden_layer(in_features, out_features):
    """A linear layer whose output keeps its size through a ReLU (https://arxiv.org/abs/1502.01852, equation 10)."""
    start = ParamAttr(initializer=nn.initializer.KaimingNormal())
    return nn.Linear(in_features, out_features, weight_attr=start)
