"""A class for a text, or for a pair of texts: sentiment, emotion, intent, whether two questions mean the same.

Shapes in this file:
    N texts of T tokens (padded), C classes.
"""

from paddle.nn import functional as F

from ..text_model import TextModel


class TextClassifier(TextModel):
    """An encoder, whose summary of the text goes to a head.

    Args:
        encoder (Layer): ids to features, and those to a summary.
        head (TextClassHead): summary to scores.
    """

    task = "TextClassification"
    outputs = ("scores",)

    def __init__(self, encoder, head):
        super().__init__(encoder)
        self.head = head

    @classmethod
    def from_config(cls, encoder, head, num_classes, build):
        """Builds the encoder, then the head for its summary.

        Args:
            encoder (node): a network of PaddleNLP/models/encoders.
            head (node): TextClassHead.
            num_classes (int): C.
        """
        encoder = build(encoder)
        return cls(encoder, build(head, in_channels=encoder.summary_channels, num_classes=num_classes))

    def scores(self, *inputs):
        """Scores before softmax, [N, C]."""
        return self.head(self.encoder.summary(self.features(*inputs), inputs[-1]))

    def answer(self, scores, length):
        """Probabilities, [N, C]."""
        return F.softmax(scores)

    def loss(self, batch):
        """The head's loss.

        Args:
            batch (dict): the inputs, and label int64 [N].
        """
        return self.head.loss(self.scores(*self.inputs_of(batch)), batch["label"])
