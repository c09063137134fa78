"""The losses of TALL (https://arxiv.org/abs/1705.02101, section 3.3): alignment of all pairs, offsets of true ones.

Shapes in this file:
    N clips and their N sentences.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F


class TALLLoss(nn.Layer):
    """`loss_alignment` and `loss_offsets`.

    Args:
        offsets (float): weight of the offsets.
    """

    def __init__(self, offsets=0.01):
        super().__init__()
        self.weight = offsets

    def forward(self, found, offsets):
        """The terms.

        Args:
            found (Tensor): float32 [N, N, 3], of sentence i and clip j the score and the offsets of start and end.
            offsets (Tensor): float32 [N, 2], the true ones of each sentence and its clip.
        """
        true = paddle.eye(found.shape[0])
        mine = (found[:, :, 1:] * true.unsqueeze(2)).sum(1)
        return {
            "loss_alignment": alignment_loss(found[:, :, 0], true),
            "loss_offsets": self.weight * paddle.abs(mine - offsets).sum() / offsets.size,
        }


def alignment_loss(scores, true):
    """The logistic loss of scores [N, N] of which those on the diagonal are of pairs that belong together.

    A pair that does not counts 1 / N, one that does 1 + 1 / N; the sum is divided by N * N, as in the original kit.

    Args:
        scores (Tensor): float32 [N, N].
        true (Tensor): float32 [N, N], the identity.
    """
    count = scores.shape[0]
    weights = true + 1.0 / count
    return (weights * F.softplus((1 - 2 * true) * scores)).sum() / count**2
