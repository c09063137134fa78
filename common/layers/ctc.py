"""Connectionist temporal classification: head, loss and greedy decoder, for speech and for words in images.

Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf: the loss is eq. 8, best path decoding section 3.2.

Shapes in this file:
    N sequences of T frames (padded), D features, C tokens with the blank, which has id 0, U tokens of a text (padded).
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.data.alignment import min_ctc_steps
from common.errors import DataError
from common.layers.masks import sequence_mask

BLANK = 0


class CTCHead(nn.Layer):
    """A linear layer that gives the logits of the tokens and the blank for every frame.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C, with the blank.
    """

    def __init__(self, in_channels, num_classes):
        super().__init__()
        self.output = nn.Linear(in_channels, num_classes)

    def forward(self, features):
        """Logits [N, T, C] of features [N, T, D]."""
        return self.output(features)


class CTCLoss(nn.Layer):
    """The CTC loss of a batch, `loss_ctc`.

    Args:
        per_token (bool): whether to divide the loss of each sequence by the number of its tokens.
        per_frame (bool): whether to divide the gradient of each sequence, not its loss, by the number of its frames.
        reduction (str): `mean` or `sum` over the sequences.
    """

    def __init__(self, per_token=False, per_frame=False, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is {reduction!r}; it is mean or sum")
        self.per_token, self.per_frame, self.reduction = per_token, per_frame, reduction

    def forward(self, logits, length, labels, label_length):
        """{"loss_ctc": float32 []}; the arguments are those of :func:`ctc_loss`."""
        losses = ctc_loss(logits, length, labels, label_length)
        if self.per_token:
            losses = losses / label_length.astype("float32")
        if self.per_frame:
            scaled = losses / length.astype("float32")
            losses = scaled + (losses - scaled).detach()
        return {"loss_ctc": losses.mean() if self.reduction == "mean" else losses.sum()}


class GreedyDecoder(nn.Layer):
    """Takes the most probable token of each frame, merges repeats and removes blanks, inside the exported program."""

    def forward(self, log_probs, length):
        """The tokens and the confidence.

        Args:
            log_probs (Tensor): float32 [N, T, C].
            length (Tensor): int64 [N].

        Returns:
            tuple[Tensor, Tensor]: int64 [N, T], the tokens of each text, padded with 0; float32 [N], the geometric mean
                over the frames of the probability of the best token.
        """
        mask = sequence_mask(length, log_probs)
        best = paddle.argmax(log_probs, 2) * mask.astype("int64")
        confidence = (log_probs.max(2) * mask).sum(1) / mask.sum(1)
        return collapse(best), confidence.exp()


def collapse(path):
    """The tokens of paths, int64 [N, T] of [N, T]: repeats merged, blanks (0) removed, padded with 0."""
    before = paddle.concat([paddle.zeros_like(path[:, :1]), path[:, :-1]], 1)
    kept = paddle.logical_and(path != before, path != 0).astype("int64")
    frames = paddle.shape(path)[1].astype("int64")
    order = paddle.argsort(paddle.arange(frames) + (1 - kept) * frames, 1)  # kept tokens first, in their order
    return paddle.take_along_axis(path * kept, order, 1)


def frame_log_probabilities(logits):
    """Log probabilities of logits over the last axis; the operator of the framework takes O(C^2) time on a CPU."""
    shifted = logits - logits.max(-1, keepdim=True).detach()
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


def ctc_loss(logits, length, labels, label_length):
    """-log p(text), the probability summed over all alignments, float32 [N].

    Args:
        logits (Tensor): float32 [N, T, C].
        length (Tensor): int64 [N], frames of each sequence.
        labels (Tensor): int32 [N, U], 1 to C - 1; padding has any value.
        label_length (Tensor): int64 [N].

    Raises:
        DataError: a sequence for which the operator would access memory out of bounds, or return 0.
    """
    check_alignments(logits.shape, *(value.numpy() for value in (length, labels, label_length)))
    return F.ctc_loss(
        logits.transpose([1, 0, 2]), labels.astype("int32"), length, label_length, blank=BLANK, reduction="none"
    ).reshape([-1])


def check_alignments(shape, length, labels, label_length):
    """Validates what the operator does not check; errors name the sequence by its index in the batch.

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
            f"CTC: {count} sequences, {len(length)} lengths, {len(labels)} texts, {len(label_length)} text lengths"
        )
    check_label_ids(labels, label_length, tokens)
    for row in range(count):
        long, there = int(length[row]), int(label_length[row])
        name = f"sequence {row} of the batch"
        if not 1 <= long <= frames:
            raise DataError(f"{name} has a length of {long} frames; allowed: 1 to {frames}")
        needed = min_ctc_steps(labels[row, :there])
        if needed > long:
            raise DataError(
                f"{name} has a text of {there} tokens that needs {needed} frames, but only {long} frames: "
                "leave it out, or use a smaller stride"
            )


def check_label_ids(labels, label_length, tokens):
    """Validates the texts of a batch.

    Args:
        labels (ndarray): int32 [N, U].
        label_length (ndarray): int64 [N].
        tokens (int): C.

    Raises:
        DataError: a text is empty or has an id that is no token; names it by its index in the batch.
    """
    for row, there in enumerate(label_length.tolist()):
        name = f"sequence {row} of the batch"
        if not 1 <= there <= labels.shape[1]:
            raise DataError(f"{name} has a text of {there} tokens; allowed: 1 to {labels.shape[1]}")
        text = labels[row, :there]
        if text.min() <= BLANK or text.max() >= tokens:
            odd = int(text.min() if text.min() <= BLANK else text.max())
            raise DataError(f"{name} has the token id {odd}; token ids are 1 to {tokens - 1}, and {BLANK} is the blank")
