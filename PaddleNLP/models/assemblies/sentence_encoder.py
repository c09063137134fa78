"""Sentence embeddings: texts of like meaning as vectors of a small angle (Sentence-BERT,
https://arxiv.org/abs/1908.10084).

Shapes in this file:
    N texts of T tokens (padded), H features.
"""

import paddle
from paddle.nn import functional as F

from common.errors import ConfigError
from common.layers.masks import masked_sum, sequence_mask

from .text_model import TextModel


class SentenceEncoder(TextModel):
    """An encoder, the mean of its features over the tokens of a text, scaled to length 1.

    It is trained on pairs of texts: each first text is to be nearer to its second one than to those of the other pairs
    of the batch (Henderson et al., https://arxiv.org/abs/1705.00652, section 4.2). Pairs that do not mean the same add
    their second texts only.

    Args:
        encoder (Layer): token ids to features of every token; it has segment embeddings.
        scale (float): factor of the cosines in the softmax.
        positive (int): class of the pairs that mean the same.
    """

    task = "SentenceEmbedding"
    outputs = ("embedding",)

    def __init__(self, encoder, scale=20.0, positive=1):
        super().__init__(encoder)
        if not encoder.segments:
            raise ValueError(f"{type(encoder).__name__} has no segment embeddings; use BERT or ERNIE")
        if scale <= 0:
            raise ValueError(f"scale is {scale}; it must be above 0")
        self.scale, self.positive = scale, positive

    @classmethod
    def from_config(cls, encoder, build, scale=20.0, positive=1):
        """Builds the encoder.

        Args:
            encoder (node): a transformer of PaddleNLP/models/encoders.
            scale (float): factor of the cosines in the softmax.
            positive (int): class of the pairs that mean the same.
        """
        return cls(build(encoder), scale, positive)

    def logits_of(self, sequence, length):
        """Embeddings of length 1, [N, H], of the features of the tokens, [N, T, H]."""
        return F.normalize(masked_sum(sequence, sequence_mask(length, sequence)), epsilon=1e-12)

    def decode(self, logits, length):
        """The embeddings themselves."""
        return logits

    def pair(self, batch):
        """The embeddings of the first and of the second texts, [N, H] each.

        Args:
            batch (dict): the inputs, in which both texts follow each other: [CLS] a [SEP] b [SEP], with the segments 0
                and 1. Each is encoded by itself: [CLS] a [SEP] and [CLS] b [SEP].

        Raises:
            ConfigError: a sample has no second text.
        """
        ids, types, length = self.inputs_of(batch)
        steps = paddle.arange(paddle.shape(ids)[1]).astype("int64").unsqueeze(0)
        second = (types == 1).astype("int64").sum(1)  # with its [SEP]
        if not bool((second > 0).all()):
            raise ConfigError(
                "SentenceEncoder is trained and evaluated on pairs of texts\n"
                "  fix: data with the columns text_a, text_b and label"
            )
        first, zeros = length - second, paddle.zeros_like(ids)
        places = paddle.where(steps == 0, paddle.zeros_like(steps), steps - 1 + first.unsqueeze(1))
        moved = paddle.take_along_axis(ids, paddle.minimum(places, steps[:, -1:]), 1)
        return self.logits(ids, zeros, first), self.logits(moved, zeros, second + 1)

    def loss(self, batch):
        """The cross entropy of each first text over the second ones, in pairs of the class `positive`.

        Args:
            batch (dict): the inputs, see `pair`, and label int64 [N].
        """
        first, second = self.pair(batch)
        scores = paddle.matmul(first, second, transpose_y=True) * self.scale
        found = F.cross_entropy(scores, paddle.arange(paddle.shape(scores)[0]).astype("int64"), reduction="none")
        weight = (batch["label"] == self.positive).astype(found.dtype)
        return {"loss_pair": (found.reshape([-1]) * weight).sum() / paddle.clip(weight.sum(), min=1)}
