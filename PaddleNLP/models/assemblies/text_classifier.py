"""Classification of texts or pairs of texts: sentiment, emotion, intent, paraphrase.

Shapes in this file:
    N texts of T tokens (padded), C classes.
"""

from paddle.nn import functional as F

from .text_model import TextModel


class TextClassifier(TextModel):
    """An encoder, its pooled features, and a classification head.

    Args:
        encoder (Layer): token ids to features, with `summary`, which pools them.
        head (TextClassHead): pooled features to logits.
        pooling (Layer | None): features of the tokens to those of the text, in place of the encoder's `summary`.
    """

    task = "TextClassification"
    outputs = ("scores",)

    def __init__(self, encoder, head, pooling=None):
        super().__init__(encoder)
        self.head, self.pooling = head, pooling

    @classmethod
    def from_config(cls, encoder, head, num_classes, build, pooling=None):
        """Builds the encoder, the pooling of its features, and the head for what is pooled.

        Args:
            encoder (node): a network of PaddleNLP/models/encoders.
            head (node): TextClassHead, or MultiLabelTextHead for texts of several classes.
            num_classes (int): C.
            pooling (node): of PaddleNLP/models/poolings; the encoder's own `summary` where it is left out.
        """
        encoder = build(encoder)
        pooling = build(pooling, in_channels=encoder.out_channels) if pooling else None
        pooled = pooling.out_channels if pooling else encoder.summary_channels
        return cls(encoder, build(head, in_channels=pooled, num_classes=num_classes), pooling)

    def forward(self, input_ids, token_type_ids, length):
        """Probabilities, [N, C]; int64 [N, T], [N, T], [N]. Features that the summary does not need are left out."""
        pooled = getattr(self.encoder, "pooled", None)
        if pooled is None or self.pooling is not None:
            return super().forward(input_ids, token_type_ids, length)
        return self.decode(self.head(pooled(input_ids, token_type_ids, length)), length)

    def logits_of(self, sequence, length):
        """Logits, [N, C], of the features of the tokens, [N, T, D]."""
        return self.head((self.pooling or self.encoder.summary)(sequence, length))

    def decode(self, logits, length):
        """Probabilities, [N, C], which add up to 1 unless the head says that a text may have several classes."""
        return F.sigmoid(logits) if self.head.multi_label else F.softmax(logits)

    def loss(self, batch):
        """The head's loss.

        Args:
            batch (dict): the inputs, label int64 [N], or float32 [N, C] of several classes, and perhaps scores
                float32 [N, C] of a teacher.
        """
        teacher = {"scores": batch["scores"]} if "scores" in batch else {}
        return self.head.loss(self.logits(*self.inputs_of(batch)), batch["label"], **teacher)
