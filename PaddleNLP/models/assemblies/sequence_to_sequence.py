"""The base class of models that write a text of tokens for a text of tokens.

Shapes in this file:
    N texts of S tokens (padded), V tokens of the vocabulary that is written in; n sequences that a text gets, of T
    tokens at most.
"""

from common.layers.masks import sequence_mask
from common.layers.sampling import text_keys
from common.layers.sequence_writer import SequenceWriter


class SequenceToSequence(SequenceWriter):
    """Base class of writers whose inputs are texts: a child defines what :class:`SequenceWriter` says."""

    task = "TextToText"
    inputs = {"input_ids": ([None, None], "int64"), "length": ([None], "int64")}

    def predict(self, input_ids, length):
        """Logits [N, V] of the first token that is written; int64 [N, S], [N]."""
        return self.first_logits(self.encode(input_ids, length), length)

    def forward(self, input_ids, length):
        """Writes a text for each text.

        Args:
            input_ids (Tensor): int64 [N, S].
            length (Tensor): int64 [N].

        Returns:
            tuple[Tensor, Tensor, Tensor]: int64 [N, n, T], the best first, the end token behind its end; their lengths
                int64 [N, n] with the end token; their scores float32 [N, n].
        """
        return self.write(self.encode(input_ids, length), text_keys(input_ids, sequence_mask(length, input_ids)))
