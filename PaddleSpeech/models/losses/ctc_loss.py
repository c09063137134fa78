"""Connectionist temporal classification (Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf, eq. 8).

Shapes in this file:
    N utterances of T frames (padded), C tokens with the blank, which has id 0, U tokens of a text (padded).
"""

from paddle import nn
from paddle.nn import functional as F

from common.audio.labels import min_ctc_steps
from common.errors import DataError

BLANK = 0


class CTCLoss(nn.Layer):
    """The CTC loss averaged over the utterances, `loss_ctc`.

    Args:
        per_token (bool): whether to divide the loss of each utterance by the number of its tokens.
    """

    def __init__(self, per_token=False):
        super().__init__()
        self.per_token = per_token

    def forward(self, logits, length, labels, label_length):
        """{"loss_ctc": float32 []}; the arguments are those of :func:`ctc_loss`."""
        losses = ctc_loss(logits, length, labels, label_length)
        return {"loss_ctc": (losses / label_length.astype("float32") if self.per_token else losses).mean()}


def ctc_loss(logits, length, labels, label_length):
    """-log p(text), the probability summed over all alignments, float32 [N].

    Args:
        logits (Tensor): float32 [N, T, C].
        length (Tensor): int64 [N], frames of each utterance.
        labels (Tensor): int32 [N, U], 1 to C - 1; padding has any value.
        label_length (Tensor): int64 [N].

    Raises:
        DataError: an utterance for which the operator would access memory out of bounds, or return 0.
    """
    check_utterances(logits.shape, *(value.numpy() for value in (length, labels, label_length)))
    return F.ctc_loss(
        logits.transpose([1, 0, 2]), labels.astype("int32"), length, label_length, blank=BLANK, reduction="none"
    ).reshape([-1])


def check_utterances(shape, length, labels, label_length):
    """Validates what the operator does not check; errors name the utterance by its index in the batch.

    Args:
        shape (list[int]): of the logits, N, T, C.
        length (ndarray): int64 [N].
        labels (ndarray): int32 [N, U].
        label_length (ndarray): int64 [N].

    Raises:
        DataError: see :func:`ctc_loss`.
    """
    count, frames, tokens = shape
    if not len(length) == len(labels) == len(label_length) == count:
        raise DataError(
            f"CTC: {count} utterances, {len(length)} lengths, {len(labels)} texts, {len(label_length)} text lengths"
        )
    for row in range(count):
        long, there = int(length[row]), int(label_length[row])
        name = f"CTC: utterance {row} of the batch"
        if not 1 <= long <= frames:
            raise DataError(f"{name} has a length of {long} frames; allowed: 1 to {frames}")
        if not 1 <= there <= labels.shape[1]:
            raise DataError(f"{name} has a text of {there} tokens; allowed: 1 to {labels.shape[1]}")
        text = labels[row, :there]
        if text.min() <= BLANK or text.max() >= tokens:
            odd = int(text.min() if text.min() <= BLANK else text.max())
            raise DataError(f"{name} has the token id {odd}; token ids are 1 to {tokens - 1}, and {BLANK} is the blank")
        if min_ctc_steps(text) > long:
            raise DataError(
                f"{name} has a text of {there} tokens that needs {min_ctc_steps(text)} frames, but only {long} frames: "
                "leave it out, or use a smaller stride"
            )
