"""A text classifier with a linear part beside its encoder, as Wide & Deep (https://arxiv.org/abs/1606.07792) has one.

Shapes in this file:
    N texts with K n-grams (padded), C classes.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform

from .text_classifier import TextClassifier


class WideTextClassifier(TextClassifier):
    """The sum of the logits of an encoder and those of a linear model on hashed n-grams (HashedNgrams).

    The linear part learns from a few thousand texts what takes an encoder without pretrained weights many more.

    Args:
        encoder (Layer): token ids to features, with `summary`, which pools them; without segment embeddings.
        head (TextClassHead): pooled features to logits.
        wide (Layer): n-grams to logits.
    """

    def __init__(self, encoder, head, wide):
        if encoder.segments:
            raise ValueError(f"WideTextClassifier takes no encoder with segment embeddings ({type(encoder).__name__})")
        super().__init__(encoder, head)
        self.wide = wide
        self.inputs["ngrams"] = ([None, None], "int64")
        del self.forward, self.predict  # of an encoder with two inputs

    @classmethod
    def from_config(cls, encoder, head, ngrams, num_classes, build):
        """Builds the parts.

        Args:
            encoder (node): a network of PaddleNLP/models/encoders.
            head (node): TextClassHead.
            ngrams (int): `rows` of HashedNgrams.
            num_classes (int): C.
        """
        encoder = build(encoder)
        head = build(head, in_channels=encoder.summary_channels, num_classes=num_classes)
        return cls(encoder, head, NgramScores(ngrams, num_classes))

    def predict(self, input_ids, length, ngrams):
        """The logits; int64 [N, T], [N], [N, K]."""
        return self.logits(input_ids, length, ngrams)

    def forward(self, input_ids, length, ngrams):
        """Probabilities [N, C]; int64 [N, T], [N], [N, K]."""
        return self.decode(self.logits(input_ids, length, ngrams), length)

    def logits(self, input_ids, length, ngrams):
        """Logits, [N, C]."""
        return super().logits(input_ids, length) + self.wide(ngrams)

    def loss(self, batch):
        """The losses of both parts; each learns alone, for an encoder that fits every text leaves nothing to the other.

        Args:
            batch (dict): the inputs, and label int64 [N].
        """
        teacher = {"scores": batch["scores"]} if "scores" in batch else {}
        encoder = self.head.loss(super().logits(batch["input_ids"], batch["length"]), batch["label"], **teacher)
        return encoder | {"loss_wide": F.cross_entropy(self.wide(batch["ngrams"]), batch["label"])}


class NgramScores(nn.Layer):
    """The sum of the scores of the n-grams of a text, divided by the root of their number; 0 at first.

    Args:
        rows (int): rows of the table of scores.
        num_classes (int): C.
    """

    def __init__(self, rows, num_classes):
        super().__init__()
        self.scores = nn.Embedding(rows, num_classes, weight_attr=uniform(0.0))

    def forward(self, ngrams):
        """Logits [N, C] of n-grams int64 [N, K], -1 for padding."""
        mask = (ngrams >= 0).astype("float32")
        found = self.scores(paddle.clip(ngrams, min=0)) * mask.unsqueeze(2)
        return found.sum(1) / paddle.sqrt(paddle.clip(mask.sum(1, keepdim=True), min=1.0))
