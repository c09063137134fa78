"""The losses of Deep Voice 3: levels of spectrograms, the end of a text, and attention along the diagonal.

The levels as in the implementation with binary divergence; the guided attention of Tachibana et al.
(https://arxiv.org/abs/1710.08969, section 4).

Shapes in this file:
    N texts of S symbols, T steps, B bins, L attentions.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask


class SynthesisLoss(nn.Layer):
    """Weights of the losses.

    Args:
        masked (float): share of the loss over frames that are no padding; the rest is over all of them.
        binary_divergence (float): share of the binary divergence, beside the absolute difference.
        sigma (float): width of the diagonal that attention is guided to; 0 for no guiding.
    """

    def __init__(self, masked=0.5, binary_divergence=0.1, sigma=0.2):
        super().__init__()
        if not (0 <= masked <= 1 and 0 <= binary_divergence <= 1 and sigma >= 0):
            raise ValueError(
                f"masked is {masked}, binary_divergence {binary_divergence}, sigma {sigma}; allowed: 0 to 1 (twice), 0 "
                "or more"
            )
        self.masked, self.binary_divergence, self.sigma = masked, binary_divergence, sigma

    def forward(self, found, batch):
        """The named losses.

        Args:
            found (dict): `mel` and `linear`, logits; `end`, logits [N, T]; `weights`, L of [N, T, S]; `target`, mel
                levels at the steps; `steps` int64 [N].
            batch (dict): `linear` [N, T U, K], `frame_length` int64 [N], `length` int64 [N].
        """
        frames, steps = batch["frame_length"], found["steps"]
        losses = {
            "loss_mel": self.levels(found["mel"], found["target"], sequence_mask(steps, found["target"])),
            "loss_linear": self.levels(found["linear"], batch["linear"], sequence_mask(frames, batch["linear"])),
            "loss_end": F.binary_cross_entropy_with_logits(found["end"], end_of(steps, found["end"])),
        }
        if self.sigma:
            penalty = off_diagonal(batch["length"], steps, found["weights"][0], self.sigma)
            losses["loss_attention"] = sum((weights * penalty).mean() for weights in found["weights"]) / len(
                found["weights"]
            )
        return losses

    def levels(self, logits, target, mask):
        """The loss of levels: of logits and targets [N, T, B], mask float [N, T]."""
        share = self.binary_divergence
        error = (1 - share) * paddle.abs(F.sigmoid(logits) - target) + share * binary_divergence(logits, target)
        return self.masked * masked_mean(error, mask) + (1 - self.masked) * error.mean()


def binary_divergence(logits, target):
    """The cross entropy of levels as probabilities: log(1 + exp(z)) - y z of logits z and levels y, any shape."""
    return F.softplus(logits) - target * logits


def masked_mean(values, mask):
    """The mean of [N, T, B] over the frames where the mask float [N, T] is 1."""
    return (values * mask.unsqueeze(2)).sum() / (mask.sum() * values.shape[2])


def end_of(steps, like):
    """1 from the last step of a row on, else 0, float32 [N, T], of `like` [N, T]; steps int64 [N]."""
    return (paddle.arange(like.shape[1]).astype("int64") >= steps.unsqueeze(1) - 1).astype("float32")


def off_diagonal(length, steps, like, sigma):
    """1 - exp(-(s / S - t / T) ** 2 / (2 sigma ** 2)) of each step and symbol, 0 at padding, float32 [N, T, S].

    Args:
        length (Tensor): int64 [N], the symbols S of each row.
        steps (Tensor): int64 [N], its steps T.
        like (Tensor): [N, T, S].
        sigma (float): width of the diagonal.
    """
    count, size = like.shape[1], like.shape[2]
    s = paddle.arange(size).astype("float32") / length.astype("float32").unsqueeze(1)
    t = paddle.arange(count).astype("float32") / steps.astype("float32").unsqueeze(1)
    apart = t.unsqueeze(2) - s.unsqueeze(1)
    inside = sequence_mask(steps, like).unsqueeze(2) * sequence_mask(length, like[:, 0]).unsqueeze(1)
    return (1 - paddle.exp(-(apart**2) / (2 * sigma**2))) * inside
