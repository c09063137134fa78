"""A stack of fully connected layers."""

import itertools

from paddle import nn
from paddle.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "sigmoid": F.sigmoid, "tanh": F.tanh}


class MLP(nn.Layer):
    """Linear layers, each followed by batch normalisation where asked, an activation and dropout.

    Args:
        in_channels (int): numbers that come in.
        sizes (list[int]): numbers that leave each layer.
        activation (str): relu, sigmoid or tanh.
        batch_norm (bool): whether to normalise before the activation.
        dropout (float): part of each layer's outputs that is left out in training.
        last_linear (bool): the last layer is linear alone.
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
