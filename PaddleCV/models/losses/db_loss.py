"""The loss of differentiable binarization (https://arxiv.org/abs/1911.08947, section 3.4).

Shapes in this file:
    N images of H x W pixels.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from .terms import binary_cross_entropy

SMALLEST = 1e-6


class DBLoss(nn.Layer):
    """The loss of the map of text, of the map of borders, and of the binary map that both make.

    Args:
        binary_weight (float): of the binary map's dice loss; alpha of the paper.
        border_weight (float): of the border map's absolute error; beta of the paper.
        negatives (float): pixels without text that count, the hardest ones, for each pixel of text.
        steepness (float): of the binarization, k of the paper.
    """

    def __init__(self, binary_weight=1.0, border_weight=10.0, negatives=3.0, steepness=50.0):
        super().__init__()
        if min(binary_weight, border_weight) < 0 or negatives <= 0 or steepness <= 0:
            raise ValueError("DBLoss takes weights of 0 or more, and negatives and a steepness above 0")
        self.binary_weight, self.border_weight = binary_weight, border_weight
        self.negatives, self.steepness = negatives, steepness

    def forward(self, logits, borders, batch):
        """`loss_text`, `loss_border` and `loss_binary`.

        Args:
            logits (Tensor): float32 [N, H, W] of the text.
            borders (Tensor): float32 [N, H, W], logits of the threshold.
            batch (dict): text_map and text_counts, border_map and border_counts, float32 [N, H, W].
        """
        text, counts = batch["text_map"], batch["text_counts"]
        border = F.sigmoid(borders)
        losses = binary_cross_entropy(logits, text)
        near = batch["border_counts"]
        distance = (paddle.abs(border - batch["border_map"]) * near).sum() / (near.sum() + SMALLEST)
        binary = F.sigmoid(self.steepness * (F.sigmoid(logits) - border)) * counts
        overlap, total = (binary * text).sum(), binary.sum() + (text * counts).sum()
        return {
            "loss_text": balanced(losses, text * counts, (1 - text) * counts, self.negatives),
            "loss_border": self.border_weight * distance,
            "loss_binary": self.binary_weight * (1 - (2 * overlap + SMALLEST) / (total + SMALLEST)),
        }


def balanced(losses, positive, negative, ratio):
    """The mean over all positive pixels and the hardest negative ones, `ratio` for each positive.

    Args:
        losses (Tensor): float32 [N, H, W].
        positive (Tensor): float32 [N, H, W], 1 where a pixel is positive.
        negative (Tensor): float32 [N, H, W], 1 where a pixel is negative.
        ratio (float): negatives for each positive; without a positive, as for one.
    """
    hard = (losses * negative).flatten()
    with paddle.no_grad():
        count = int(min(negative.sum().item(), max(positive.sum().item(), 1.0) * ratio))
        limit = paddle.topk(hard, max(count, 1))[0][-1]
        kept = ((hard >= limit) & (negative.flatten() > 0)).astype(losses.dtype)
    return ((losses * positive).sum() + (hard * kept).sum()) / (positive.sum() + kept.sum() + SMALLEST)
