"""A number for a text or a pair of texts, such as STS-B (BERT, https://arxiv.org/abs/1810.04805, section 4.1).

Shapes in this file:
    N texts of T tokens (padded).
"""

from paddle.nn import functional as F

from ..heads.text_class_head import TextClassHead
from .text_model import TextModel


class TextRegressor(TextModel):
    """An encoder, its pooled features, and a head with one output, trained on the squared error.

    Args:
        encoder (Layer): token ids to features, with `summary`, which pools them.
        hidden (list[int]): sizes of the hidden layers of the head.
        dropout (float): dropout probability before the output.
    """

    task = "TextRegression"
    outputs = ("value",)

    def __init__(self, encoder, hidden=(), dropout=0.1):
        super().__init__(encoder)
        self.head = TextClassHead(encoder.summary_channels, 1, hidden, dropout)

    @classmethod
    def from_config(cls, encoder, build, hidden=(), dropout=0.1):
        """Builds the encoder, then the head for its pooled features.

        Args:
            encoder (node): a network of PaddleNLP/models/encoders.
            hidden (list[int]): sizes of the hidden layers of the head.
            dropout (float): dropout probability before the output.
        """
        return cls(build(encoder), hidden, dropout)

    def logits_of(self, sequence, length):
        """The numbers, [N], of the features of the tokens, [N, T, D]."""
        return self.head(self.encoder.summary(sequence, length)).squeeze(1)

    def decode(self, logits, length):
        """The numbers themselves, [N]."""
        return logits

    def loss(self, batch):
        """The mean squared error.

        Args:
            batch (dict): the inputs, and value float32 [N].
        """
        return {"loss_value": F.mse_loss(self.logits(*self.inputs_of(batch)), batch["value"])}
