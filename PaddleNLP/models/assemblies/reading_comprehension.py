"""Extractive question answering (BERT, https://arxiv.org/abs/1810.04805, section 4.2).

Shapes in this file:
    N questions of W windows of T tokens (padded), H features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from .text_model import TextModel


class ReadingComprehension(TextModel):
    """An encoder of question and context; for each token, the logits that the answer starts there and that it ends.

    Args:
        encoder (Layer): token ids to features of every token; it has segment embeddings.
    """

    task = "ReadingComprehension"
    outputs = ("start_scores", "end_scores")

    def __init__(self, encoder):
        super().__init__(encoder)
        if not encoder.segments:
            raise ValueError(
                f"{type(encoder).__name__} has no segment embeddings to tell question and context apart; "
                "use BERT or ERNIE"
            )
        windows = ([None, None, None], "int64")
        self.inputs = {"input_ids": windows, "token_type_ids": windows, "length": ([None, None], "int64")}
        self.output = nn.Linear(encoder.out_channels, 2)

    @classmethod
    def from_config(cls, encoder, build):
        """Builds the encoder.

        Args:
            encoder (node): a transformer of PaddleNLP/models/encoders.
        """
        return cls(build(encoder))

    def logits(self, input_ids, token_type_ids, length):
        """Logits of start and end, float32 [N, W, T] each; about -1e4 at the padding."""
        windows, size = paddle.shape(input_ids)[1], paddle.shape(input_ids)[2]
        ids, types = input_ids.reshape([-1, size]), token_type_ids.reshape([-1, size])
        length = paddle.clip(length.reshape([-1]), min=1)
        found = self.output(self.encoder(ids, types, length))
        found = found + (sequence_mask(length, ids).unsqueeze(2) - 1) * 1e4
        return tuple(found[:, :, side].reshape([-1, windows, size]) for side in range(2))

    def decode(self, logits, length):
        """The logits themselves: the answer span is chosen by the task, which knows the text."""
        return logits

    def loss(self, batch):
        """The cross entropy of start and end, each averaged over the windows and halved.

        Args:
            batch (dict): the inputs, and start, end int64 [N, W], -1 for a window that is padding.
        """
        start, end = self.logits(*self.inputs_of(batch))
        losses = {}
        for name, scores in (("start", start), ("end", end)):
            flat = scores.reshape([-1, scores.shape[2]])
            losses[f"loss_{name}"] = F.cross_entropy(flat, batch[name].reshape([-1]), ignore_index=-1) / 2
        return losses
