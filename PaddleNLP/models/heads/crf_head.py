"""The head of a linear-chain conditional random field: emissions, transitions, loss and Viterbi decoding.

Shapes in this file:
    N texts of T tokens (padded), C tags.
"""

import paddle
from paddle import nn

from common.layers.initializers import uniform
from common.layers.masks import sequence_mask

from ..decoders.viterbi import viterbi
from ..losses.crf_loss import crf_loss


class CRFHead(nn.Layer):
    """Emission scores of the tags of each token, and the transition scores between tags.

    Args:
        in_channels (int): features of a token, given by the encoder.
        num_classes (int): C.
        init (float): initial weights are uniform in [-init, init]; 0 takes the default of the framework.
        outside (int): the tag of tokens without a label, such as those that a tokenizer adds.
    """

    def __init__(self, in_channels, num_classes, init=0.0, outside=0):
        super().__init__()
        self.emission = nn.Linear(in_channels, num_classes, uniform(init) if init else None)
        self.transitions = self.create_parameter(
            [num_classes + 2, num_classes], default_initializer=nn.initializer.Normal(0.0, 0.1)
        )
        self.outside = outside

    def forward(self, features):
        """The emissions, [N, T, C] of features [N, T, in_channels]."""
        return self.emission(features)

    def loss(self, emissions, tags, length):
        """The negative log-likelihood averaged over the texts (dict); tags int64 [N, T], -1 counts as `outside`."""
        tags = paddle.where(tags < 0, paddle.full_like(tags, self.outside), tags)
        return {"loss_crf": crf_loss(emissions, self.transitions, tags, sequence_mask(length, emissions)).mean()}

    def decode(self, emissions, length):
        """The highest-scoring tag sequence of each text, int64 [N, T]; 0 at the padding."""
        return viterbi(emissions, self.transitions, length)
