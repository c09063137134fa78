"""Pre-training of encoders from raw text: hidden words, and whether one segment follows another.

BERT, https://arxiv.org/abs/1810.04805, section 3.1; ERNIE, https://arxiv.org/abs/1904.09223, section 3.

Shapes in this file:
    N pairs of segments of T tokens (padded), M hidden tokens of all pairs, H features, V tokens of the vocabulary, n
    tokens that a place is filled with.
"""

import paddle
from paddle.nn import functional as F

from common.errors import ConfigError

from ..encoders.transformer import linear
from ..heads.masked_word_head import MaskedWordHead
from .text_model import TextModel


class PretrainedEncoder(TextModel):
    """An encoder, a head for hidden words that shares its table, and one for the second segment.

    The encoder has the names that it has in every other model of texts, so that a checkpoint is `pretrained=` of these.

    Args:
        encoder (Layer): a transformer with segment embeddings.
        n_best (int): n.
    """

    task = "FillMask"
    outputs = ("ids", "scores", "unrelated")

    def __init__(self, encoder, n_best=5):
        super().__init__(encoder)
        if not hasattr(encoder, "segment_embedding"):
            raise ValueError(f"{type(encoder).__name__} has no segment embeddings; use BERT or ERNIE")
        if not 1 <= n_best <= encoder.vocab_size:
            raise ValueError(f"n_best is {n_best}; it is 1 to {encoder.vocab_size}")
        self.n_best = n_best
        self.masked = MaskedWordHead(encoder.out_channels, encoder.vocab_size, encoder.activation)
        self.next = linear(encoder.summary_channels, 2)

    @classmethod
    def from_config(cls, encoder, build, n_best=5):
        """Builds the encoder.

        Args:
            encoder (node): BERT or ERNIE.
            n_best (int): n.
        """
        return cls(build(encoder), n_best)

    def predict(self, input_ids, token_type_ids, length):
        """Logits of the words [N, T, V], and of whether the segments are unrelated [N, 2]."""
        x = self.encoder(input_ids, token_type_ids, length)
        return self.words(x), self.next(self.encoder.summary(x, length))

    def words(self, features):
        """Logits [..., V] of features [..., H]."""
        return self.masked(features, self.encoder.embedding.weight)

    def forward(self, input_ids, token_type_ids, length):
        """Fills every place.

        Returns:
            tuple[Tensor, Tensor, Tensor]: the most probable tokens int64 [N, T, n] and their probabilities float32
                [N, T, n], the best first; the probability float32 [N] that the second segment does not follow.
        """
        words, following = self.predict(input_ids, token_type_ids, length)
        scores, ids = paddle.topk(F.softmax(words), self.n_best)
        return ids, scores, F.softmax(following)[:, 1]

    def hidden_logits(self, batch):
        """Logits of the hidden tokens [M, V], these tokens int64 [M], and logits of the second segments [N, 2].

        Args:
            batch (dict): the inputs, targets int64 [N, T], -1 where no token is hidden.

        Raises:
            ConfigError: the data hide no tokens.
        """
        if "targets" not in batch or "unrelated" not in batch:
            raise ConfigError(
                "PretrainedEncoder learns from hidden tokens of pairs of segments\n"
                "  fix: data of Documents with DrawNextSegment, SpannedPieces, HidePieces"
            )
        inputs, targets = self.inputs_of(batch), batch["targets"].flatten()
        x = self.encoder(*inputs)
        places = paddle.nonzero(targets >= 0).squeeze(-1)
        words = self.words(paddle.index_select(x.flatten(0, 1), places))
        return words, paddle.gather(targets, places), self.next(self.encoder.summary(x, inputs[-1]))

    def loss(self, batch):
        """`loss_masked`, the mean cross entropy of the hidden tokens, and `loss_next`, that of the second segments.

        Args:
            batch (dict): the inputs, targets int64 [N, T], unrelated int64 [N].
        """
        words, targets, following = self.hidden_logits(batch)
        return {
            "loss_masked": F.cross_entropy(words, targets),
            "loss_next": F.cross_entropy(following, batch["unrelated"]),
        }

    def fill_scores(self, batch):
        """Scores the hidden tokens and the second segments of a batch of arrays.

        Returns:
            dict[str, ndarray]: `losses` float32 [M] (nats) and `hits` bool [M] of the hidden tokens, `right` bool [N].
        """
        batch = {name: paddle.to_tensor(batch[name]) for name in (*self.inputs, "targets", "unrelated")}
        with paddle.no_grad():
            words, targets, following = self.hidden_logits(batch)
            losses = F.cross_entropy(words, targets, reduction="none").flatten()
        right = paddle.argmax(following, 1) == batch["unrelated"]
        return {"losses": losses.numpy(), "hits": (paddle.argmax(words, 1) == targets).numpy(), "right": right.numpy()}

    def convert_weights(self, arrays):
        """See TextModel; what of the heads is there twice goes, since the words have the table of the encoder."""
        return {
            k: v for k, v in super().convert_weights(arrays).items() if not k.startswith("cls.predictions.decoder.")
        }
