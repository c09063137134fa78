"""A text classification head.

Shapes in this file:
    N texts, D features of a text, C classes.
"""

import itertools

import paddle
from paddle import nn
from paddle.nn import functional as F


class TextClassHead(nn.Layer):
    """Hidden layers with tanh, dropout and a linear layer.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C.
        hidden (list[int]): sizes of the hidden layers.
        dropout (float): dropout probability before the last layer.
        label_smoothing (float): share of each label that is spread over all classes.
        soft_weight (float): weight of the scores of a teacher, where the samples have them, from 0 to 1; the label has
            the rest (https://arxiv.org/abs/1503.02531, section 2, at temperature 1).
    """

    multi_label = False

    def __init__(self, in_channels, num_classes, hidden=(), dropout=0.1, label_smoothing=0.0, soft_weight=1.0):
        super().__init__()
        if not 0 <= soft_weight <= 1:
            raise ValueError(f"soft_weight is {soft_weight}; allowed: 0 to 1")
        self.soft_weight = soft_weight
        sizes = [in_channels, *hidden]
        self.hidden = nn.LayerList([nn.Linear(a, b) for a, b in itertools.pairwise(sizes)])
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes[-1], num_classes)
        self.label_smoothing = label_smoothing

    def forward(self, summary):
        """Logits [N, C] of text features [N, D]."""
        for layer in self.hidden:
            summary = paddle.tanh(layer(summary))
        return self.output(self.dropout(summary))

    def loss(self, logits, label, scores=None):
        """The mean cross entropy (dict); label int64 [N], scores of a teacher float32 [N, C]."""
        hard = F.cross_entropy(logits, label, label_smoothing=self.label_smoothing)
        if scores is None:
            return {"loss_class": hard}
        soft = F.cross_entropy(logits, scores, soft_label=True)
        return {"loss_class": self.soft_weight * soft + (1 - self.soft_weight) * hard}
