"""Multilayer perceptron."""

import itertools

from paddle import nn
from paddle.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "sigmoid": F.sigmoid, "tanh": F.tanh}


class MLP(nn.Layer):
    """Linear layers, each followed by optional batch normalization, an activation and dropout.

    Args:
        in_channels (int): input features.
        sizes (list[int]): output features of each layer.
        activation (str): relu, sigmoid or tanh.
        batch_norm (bool): whether to normalize before the activation.
        dropout (float): dropout probability.
        last_linear (bool): whether the last layer has no activation.
    """

    def __init__(self, in_channels, sizes, activation="relu", batch_norm=False, dropout=0.0, last_linear=False):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"MLP got activation='{activation}'; it must be one of {', '.join(ACTIVATIONS)}")
        self.activation, self.last_linear, self.dropout = ACTIVATIONS[activation], last_linear, dropout
        sizes = [in_channels, *sizes]
        self.layers = nn.LayerList([nn.Linear(before, after) for before, after in itertools.pairwise(sizes)])
        normed = sizes[1 : len(sizes) - last_linear] if batch_norm else []
        self.norms = nn.LayerList([nn.BatchNorm1D(size) for size in normed])
        self.out_channels = sizes[-1]

    def forward(self, features):
        """[..., last size] of features [..., in_channels]."""
        for number, layer in enumerate(self.layers):
            features = layer(features)
            if self.last_linear and number == len(self.layers) - 1:
                break
            if len(self.norms):
                features = self.norms[number](features)
            features = self.activation(features)
            if self.dropout:
                features = F.dropout(features, self.dropout, training=self.training)
        return features
