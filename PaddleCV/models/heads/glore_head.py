"""Global reasoning unit on the last feature (https://arxiv.org/abs/1811.12814, figure 3), as the original kit has it.

Shapes in this file:
    N images, D channels of the last feature, F channels that reason, h x w cells, C classes; V nodes of S numbers.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from ..blocks.batch_norm import batch_norm
from ..blocks.conv_norm import ConvNorm
from .classifier_head import dropout_layer


class GloReHead(nn.Layer):
    """A convolution to fewer channels, the reasoning unit, and a 1x1 convolution.

    Args:
        in_channels (list[int]): channels of the features, given by the backbone; the last of them is D.
        num_classes (int): C.
        channels (int): F.
        kernel_size (int): of the first convolution, which has no padding; the original has 1 for Cityscapes, else 3.
        nodes (int): V.
        states (int): S.
        dropout (float): probability that a number is dropped in training, before the classifier.
        norm (str): bn, frozen_bn or gn.
    """

    def __init__(
        self, in_channels, num_classes, channels=512, kernel_size=1, nodes=64, states=128, dropout=0.1, norm="bn"
    ):
        super().__init__()
        self.reduce = ConvNorm(in_channels[-1], channels, kernel_size, norm=norm, padding=0)
        self.reasoning = GlobalReasoning(channels, nodes, states, norm)
        self.dropout = dropout_layer(dropout)
        self.classifier = nn.Conv2D(channels, num_classes, 1)

    def forward(self, features):
        """Logits [N, C, h, w] of features whose last is [N, D, h, w]."""
        return self.classifier(self.dropout(self.reasoning(self.reduce(features[-1]))))


class GlobalReasoning(nn.Layer):
    """Projects the cells to nodes of a graph, reasons between these, and adds what came of it to the cells.

    Args:
        channels (int): F.
        nodes (int): V.
        states (int): S.
        norm (str): of the projection back: bn, frozen_bn or gn.
    """

    def __init__(self, channels, nodes, states, norm):
        super().__init__()
        self.states, self.nodes = nn.Conv2D(channels, states, 1), nn.Conv2D(channels, nodes, 1)
        self.along_nodes = nn.Linear(nodes, nodes)
        self.along_states = nn.Linear(states, states, bias_attr=False)
        self.extend = nn.Conv2D(states, channels, 1, bias_attr=False)
        self.norm = batch_norm(channels, norm)

    def forward(self, x):
        """[N, F, h, w] of the same shape."""
        states, assigned = self.states(x).flatten(2), self.nodes(x).flatten(2)  # [N, S, hw], [N, V, hw]
        graph = paddle.matmul(states, assigned, transpose_y=True) / states.shape[2]  # [N, S, V]
        graph = F.relu(graph + self.along_nodes(graph)).transpose([0, 2, 1])
        back = paddle.matmul(self.along_states(graph), assigned, transpose_x=True)  # [N, S, hw]
        back = back.reshape([0, -1, *x.shape[2:]])
        return x + self.norm(self.extend(back))
