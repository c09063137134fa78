"""A classification head of texts that may have several classes.

Shapes in this file:
    N texts, D features of a text, C classes.
"""

from paddle.nn import functional as F

from .text_class_head import TextClassHead


class MultiLabelTextHead(TextClassHead):
    """Hidden layers with tanh, dropout and a linear layer; every class is decided by itself.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C.
        hidden (list[int]): sizes of the hidden layers.
        dropout (float): dropout probability before the last layer.
    """

    multi_label = True

    def __init__(self, in_channels, num_classes, hidden=(), dropout=0.1):
        super().__init__(in_channels, num_classes, hidden, dropout)

    def loss(self, logits, label):
        """The mean binary cross entropy (dict); label float32 [N, C], 0 or 1."""
        return {"loss_class": F.binary_cross_entropy_with_logits(logits, label)}
