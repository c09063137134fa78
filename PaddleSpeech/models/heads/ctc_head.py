"""The CTC head: logits of the tokens and the blank for every frame.

Shapes in this file:
    N utterances of T frames (padded), D features, C tokens with the blank, which has id 0.
"""

from paddle import nn


class CTCHead(nn.Layer):
    """A linear layer.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C, with the blank.
    """

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.output = nn.Linear(in_channels, num_classes)

    def forward(self, features):
        """Logits [N, T, C] of features [N, T, D]."""
        return self.output(features)


def log_probabilities(logits):
    """Log probabilities of logits over the last axis; the operator of the framework takes O(C^2) time on a CPU."""
    shifted = logits - logits.max(-1, keepdim=True).detach()
    return shifted - shifted.exp().sum(-1, keepdim=True).log()
