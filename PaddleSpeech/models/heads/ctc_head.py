"""Scores of tokens for every frame, the blank among them.

Shapes in this file:
    N utterances of T frames (padded), D features, C tokens with the blank, which is number 0.
"""

from paddle import nn


class CTCHead(nn.Layer):
    """One linear layer.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C, with the blank.
    """

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.output = nn.Linear(in_channels, num_classes)

    def forward(self, features):
        """Scores before the softmax, [N, T, C] of [N, T, D]."""
        return self.output(features)


def log_probabilities(scores):
    """log softmax(scores) over the last axis; the framework's operator takes time that grows with C^2."""
    moved = scores - scores.max(-1, keepdim=True).detach()
    return moved - moved.exp().sum(-1, keepdim=True).log()
