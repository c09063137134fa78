"""A class for a whole text.

Shapes in this file:
    N texts, D features of a text, C classes.
"""

import itertools

import paddle
from paddle import nn
from paddle.nn import functional as F


class TextClassHead(nn.Layer):
    """Layers between the summary of a text and the scores of its classes.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C.
        hidden (list[int]): sizes of the layers between, each followed by tanh.
        dropout (float): share of the last features that is dropped in training.
        smoothing (float): share of each label that is spread over all classes.
    """

    def __init__(self, in_channels, num_classes, hidden=(), dropout=0.1, smoothing=0.0):
        super().__init__()
        sizes = [in_channels, *hidden]
        self.hidden = nn.LayerList([nn.Linear(a, b) for a, b in itertools.pairwise(sizes)])
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(sizes[-1], num_classes)
        self.smoothing = smoothing

    def forward(self, summary):
        """Scores before softmax, [N, C]."""
        for layer in self.hidden:
            summary = paddle.tanh(layer(summary))
        return self.output(self.dropout(summary))

    def loss(self, logits, label):
        """The mean cross entropy, a dict; label int64 [N]."""
        return {"loss_class": F.cross_entropy(logits, label, label_smoothing=self.smoothing)}
