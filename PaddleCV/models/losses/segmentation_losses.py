"""Losses of semantic segmentation; of each the result is one number.

Shapes in this file:
    N images, C classes, H x W pixels, P pixels that count: those whose class in the mask is not `ignored`.
    Logits are float32 [N, C, H, W], masks int [N, H, W] of class ids.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

IGNORED = 255
SMALLEST = 1e-6


class PixelCrossEntropy(nn.Layer):
    """Cross entropy of the softmax, the mean over the pixels that count.

    That is the mean over all pixels divided by the share of those that count, as the loss of DeepLabV3+ is written.

    Args:
        class_weights (list[float]): a factor for the pixels of each class; no weighting when left out.
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, class_weights=None, ignored=IGNORED):
        super().__init__()
        self.class_weights, self.ignored = class_weights, ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        losses, counts = pixel_losses(logits, mask, self.ignored)
        if self.class_weights:
            losses = losses * pixel_weights(self, logits, mask)
        return losses.sum() / paddle.clip(counts.sum(), min=1)


class OhemCrossEntropy(nn.Layer):
    """Cross entropy of the hardest pixels (online hard example mining, https://arxiv.org/abs/1604.03540).

    The pixels whose class has less probability than a threshold, or as many of the hardest ones as there must be.

    Args:
        threshold (float): probability of the class from which on a pixel is easy.
        min_kept (int): least number of pixels of a batch.
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, threshold=0.7, min_kept=10000, ignored=IGNORED):
        super().__init__()
        if not 0 < threshold <= 1 or min_kept < 1:
            raise ValueError(
                f"OhemCrossEntropy got threshold {threshold} and min_kept {min_kept}; 0 to 1, and 1 or more"
            )
        self.surprise = -float(paddle.log(paddle.to_tensor(threshold)))
        self.min_kept, self.ignored = min_kept, ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        losses, counts = pixel_losses(logits, mask, self.ignored)
        flat = losses.flatten()
        with paddle.no_grad():
            number = min(self.min_kept, int(flat.shape[0]))
            hardest = paddle.topk(flat, number)[0][-1]
            limit = paddle.minimum(hardest, paddle.full([], self.surprise, flat.dtype))
            kept = ((losses >= limit) & (counts > 0)).astype(losses.dtype)
        return (losses * kept).sum() / paddle.clip(kept.sum(), min=1)


class FocalPixelLoss(nn.Layer):
    """Cross entropy with less weight on well-classified pixels (https://arxiv.org/abs/1708.02002, equation 4).

    Args:
        gamma (float): a pixel whose class has probability p counts (1 - p)^gamma; 0 is cross entropy.
        class_weights (list[float]): a factor for the pixels of each class; no weighting when left out.
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, gamma=2.0, class_weights=None, ignored=IGNORED):
        super().__init__()
        if gamma < 0:
            raise ValueError(f"FocalPixelLoss got gamma {gamma}; it is 0 or more")
        self.gamma, self.class_weights, self.ignored = gamma, class_weights, ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        losses, counts = pixel_losses(logits, mask, self.ignored)
        missing = paddle.clip(1 - paddle.exp(-losses), min=SMALLEST)  # the power has no slope at 0
        losses = losses * missing**self.gamma
        if self.class_weights:
            losses = losses * pixel_weights(self, logits, mask)
        return losses.sum() / paddle.clip(counts.sum(), min=1)


class PixelBinaryCrossEntropy(nn.Layer):
    """Binary cross entropy of the sigmoid of each class, the mean over the classes and the pixels that count.

    Args:
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, ignored=IGNORED):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        truth, counts = one_hot_mask(mask, logits.shape[1], self.ignored)
        losses = F.softplus(logits) - truth * logits
        return (losses * counts).sum() / paddle.clip(counts.sum(), min=1) / logits.shape[1]


class DiceLoss(nn.Layer):
    """1 - the soft dice coefficient (https://arxiv.org/abs/1606.04797, section 3), the mean over the classes.

    The coefficients are those of the whole batch. Classes without a pixel that counts are left out.

    Args:
        smooth (float): added to numerator and denominator.
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, smooth=1.0, ignored=IGNORED):
        super().__init__()
        if smooth < 0:
            raise ValueError(f"DiceLoss got smooth {smooth}; it is 0 or more")
        self.smooth, self.ignored = smooth, ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        truth, counts = one_hot_mask(mask, logits.shape[1], self.ignored)
        shares = F.softmax(logits, axis=1) * counts
        both, sizes = (shares * truth).sum([0, 2, 3]), truth.sum([0, 2, 3])
        present = (sizes > 0).astype(logits.dtype)
        dice = (2 * both + self.smooth) / paddle.clip(shares.sum([0, 2, 3]) + sizes + self.smooth, min=SMALLEST)
        return ((1 - dice) * present).sum() / paddle.clip(present.sum(), min=1)


class LovaszSoftmax(nn.Layer):
    """The Lovász extension of 1 - IoU of the softmax (https://arxiv.org/abs/1705.08790, section 3.1).

    The IoU is that of the whole batch, the mean over the classes with a pixel that counts.

    Args:
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, ignored=IGNORED):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts."""
        truth, counts = one_hot_mask(mask, logits.shape[1], self.ignored)
        errors = (truth - F.softmax(logits, axis=1)).abs() * counts
        truth, errors = (x.transpose([1, 0, 2, 3]).flatten(1) for x in (truth, errors))  # [C, N * H * W]
        present = (truth.sum(1) > 0).astype(logits.dtype)
        return (lovasz_extension(errors, truth) * present).sum() / paddle.clip(present.sum(), min=1)


class LovaszHinge(nn.Layer):
    """The Lovász extension of 1 - IoU of the second of two classes (https://arxiv.org/abs/1705.08790, section 3.2).

    Args:
        ignored (int): class id of pixels that do not count.
    """

    def __init__(self, ignored=IGNORED):
        super().__init__()
        self.ignored = ignored

    def forward(self, logits, mask):
        """A number; 0 without a pixel that counts.

        Raises:
            ConfigError: there are not two classes.
        """
        if logits.shape[1] != 2:
            raise ConfigError(f"LovaszHinge takes two classes, not {logits.shape[1]}; LovaszSoftmax takes any number")
        truth, counts = one_hot_mask(mask, 2, self.ignored)
        truth = truth[:, 1:]
        margins = logits[:, 1:] - logits[:, :1]
        errors = F.relu(1 - margins * (2 * truth - 1)) * counts
        return lovasz_extension(errors.flatten().unsqueeze(0), truth.flatten().unsqueeze(0)).sum()


class WeightedLosses(nn.Layer):
    """A weighted sum of losses.

    Args:
        losses (list[Layer]): of this file.
        weights (list[float]): a factor for each; 1 when left out.
    """

    def __init__(self, losses, weights=None):
        super().__init__()
        weights = [1.0] * len(losses) if weights is None else list(weights)
        if not len(losses) or len(weights) != len(losses):
            raise ValueError(f"WeightedLosses got {len(losses)} losses and {len(weights)} weights")
        self.losses, self.weights = nn.LayerList(losses), weights

    def forward(self, logits, mask):
        """A number."""
        return sum(weight * loss(logits, mask) for weight, loss in zip(self.weights, self.losses))


def pixel_losses(logits, mask, ignored):
    """Cross entropy [N, H, W], 0 where a pixel does not count, and 1 for those that count, float32 [N, H, W]."""
    mask = mask.astype("int64")
    counts = (mask != ignored).astype(logits.dtype)
    losses = F.cross_entropy(logits, mask.unsqueeze(1), axis=1, ignore_index=ignored, reduction="none")
    return losses.squeeze(1) * counts, counts


def pixel_weights(loss, logits, mask):
    """The weight of the class of each pixel, float32 [N, H, W]; raises ConfigError unless there is one per class."""
    weights = paddle.to_tensor(loss.class_weights, dtype=logits.dtype)
    if len(weights) != logits.shape[1]:
        raise ConfigError(f"{type(loss).__name__} has {len(weights)} class_weights for {logits.shape[1]} classes")
    return paddle.gather(weights, without_ignored(mask, loss.ignored).flatten()).reshape(mask.shape)


def one_hot_mask(mask, num_classes, ignored):
    """The mask as float32 [N, C, H, W], 0 for ignored pixels, and 1 for pixels that count, float32 [N, 1, H, W]."""
    counts = (mask != ignored).astype("float32").unsqueeze(1)
    truth = F.one_hot(without_ignored(mask, ignored), num_classes)
    return truth.transpose([0, 3, 1, 2]) * counts, counts


def without_ignored(mask, ignored):
    """The mask as int64 with the class 0 in place of ignored pixels."""
    mask = mask.astype("int64")
    return paddle.where(mask == ignored, paddle.zeros_like(mask), mask)


def lovasz_extension(errors, truth):
    """The Lovász extension of the Jaccard loss at errors [C, P] of pixels whose truth [C, P] is 0 or 1; float32 [C].

    Errors in descending order are weighted with the growth of the loss as one pixel after the other becomes wrong.
    Pixels with the error 0 that belong to no object change nothing.
    """
    order = paddle.argsort(errors, axis=1, descending=True)
    errors, truth = (paddle.take_along_axis(x, order, axis=1) for x in (errors, truth))
    with paddle.no_grad():
        total = truth.sum(1, keepdim=True)
        inner, union = total - truth.cumsum(1), total + (1 - truth).cumsum(1)
        jaccard = 1 - inner / union
        growth = jaccard - F.pad(jaccard[:, :-1].unsqueeze(0), [1, 0], data_format="NCL").squeeze(0)
    return (errors * growth).sum(1)
