"""CTC greedy decoding (best path; Graves et al. 2006, section 3.2), as part of the exported program.

Shapes in this file:
    N utterances of T frames (padded), C tokens with the blank, which has id 0.
"""

import paddle
from paddle import nn

from common.layers.masks import sequence_mask


class GreedyDecoder(nn.Layer):
    """Takes the most probable token of each frame, merges repeats and removes blanks."""

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
