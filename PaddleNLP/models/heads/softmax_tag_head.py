"""A token classification head: the tag of every token, independent of its neighbors.

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask


class SoftmaxTagHead(nn.Layer):
    """Dropout and a linear layer.

    Args:
        in_channels (int): features of a token, given by the encoder.
        num_classes (int): C.
        dropout (float): dropout probability of the features.
    """

    def __init__(self, in_channels, num_classes, dropout=0.1):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.emission = nn.Linear(in_channels, num_classes)

    def forward(self, features):
        """Logits of the tags of each token, [N, T, C]."""
        return self.emission(self.dropout(features))

    def loss(self, emissions, tags, length):
        """The cross entropy averaged over the labeled tokens (dict); tags int64 [N, T], -1 for no label."""
        return {"loss_tags": F.cross_entropy(emissions, tags, ignore_index=-1)}

    def decode(self, emissions, length):
        """The most probable tag of each token, int64 [N, T]; 0 at the padding."""
        best = paddle.argmax(emissions, 2)
        return best * sequence_mask(length, emissions).astype(best.dtype)
