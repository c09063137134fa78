"""Losses of classifiers.

Shapes in this file:
    N images, C classes.  A target is a class number, int64 [N], or a share of each class, float32 [N, C].
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError

SMALLEST = 1e-6  # base of a power below 1, whose slope at 0 is infinite


class CrossEntropy(nn.Layer):
    """Cross entropy of the softmax, the mean over the images.

    Args:
        label_smoothing (float): this part of a target is spread over all classes (https://arxiv.org/abs/1512.00567,
            section 7); of blended images too, so that their transform smooths nothing.
    """

    multi_label = False

    def __init__(self, label_smoothing=0.0):
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"CrossEntropy got label_smoothing {label_smoothing}; it is 0 or more and less than 1")
        self.label_smoothing = label_smoothing

    def forward(self, logits, target):
        """A number, from logits [N, C] and a target of either form."""
        if target.ndim == 1 and not self.label_smoothing:
            return F.cross_entropy(logits, target)
        shares = smooth(shares_of(target, logits.shape[1]), self.label_smoothing)
        return F.cross_entropy(logits, shares, soft_label=True)


class FocalLoss(nn.Layer):
    """Cross entropy with less weight on well-classified images (https://arxiv.org/abs/1708.02002, equation 4).

    Args:
        gamma (float): an image whose class has probability p counts (1 - p)^gamma; 0 is cross entropy.
        class_weights (list[float]): a factor for each class (the paper's alpha); no weighting when left out.
    """

    multi_label = False

    def __init__(self, gamma=2.0, class_weights=None):
        super().__init__()
        if gamma < 0:
            raise ValueError(f"FocalLoss got gamma {gamma}; it is 0 or more")
        self.gamma = gamma
        self.class_weights = class_weights

    def forward(self, logits, target):
        """A number, from logits [N, C] and a target of either form.

        Raises:
            ConfigError: there is not one weight per class.
        """
        num_classes = logits.shape[1]
        if self.class_weights and len(self.class_weights) != num_classes:
            raise ConfigError(f"FocalLoss has {len(self.class_weights)} class_weights for {num_classes} classes")
        shares = shares_of(target, num_classes)
        if self.class_weights:
            shares = shares * paddle.to_tensor(self.class_weights, dtype=shares.dtype)
        return focal_terms(logits, shares, self.gamma).sum(axis=1).mean()


class MultiLabelLoss(nn.Layer):
    """Binary cross entropy of each class, summed over the classes, the mean over the images.

    With gammas it is the asymmetric loss (https://arxiv.org/abs/2009.14119, equation 4).

    Args:
        gamma_positive (float): a present class of probability p counts (1 - p)^gamma_positive.
        gamma_negative (float): an absent one counts p^gamma_negative.
        label_smoothing (float): targets become 0 or 1 up to half of this.
    """

    multi_label = True

    def __init__(self, gamma_positive=0.0, gamma_negative=0.0, label_smoothing=0.0):
        super().__init__()
        self.gammas = (gamma_positive, gamma_negative)
        self.label_smoothing = label_smoothing

    def forward(self, logits, target):
        """A number, from logits [N, C] and targets float32 [N, C], 1 where a class is present."""
        target = target * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        there, not_there = target * F.softplus(-logits), (1 - target) * F.softplus(logits)
        positive, negative = self.gammas
        if positive or negative:
            missing, found = (paddle.clip(F.sigmoid(z), min=SMALLEST) for z in (-logits, logits))
            there, not_there = there * missing**positive, not_there * found**negative
        return (there + not_there).sum(axis=1).mean()


def shares_of(target, num_classes):
    """A target as shares of the classes, float32 [N, C]."""
    return target if target.ndim == 2 else F.one_hot(target, num_classes)


def smooth(shares, amount):
    """Shares [N, C] of which a part is spread evenly over the classes."""
    return shares * (1 - amount) + amount / shares.shape[1] if amount else shares


def focal_terms(logits, shares, gamma):
    """-share (1 - p)^gamma log p of each class, [N, C], with p the softmax of the logits [N, C]."""
    logits = logits - logits.max(axis=1, keepdim=True).detach()
    surprise = paddle.log(paddle.exp(logits).sum(axis=1, keepdim=True)) - logits
    missing = paddle.clip(1 - paddle.exp(-surprise), min=SMALLEST)
    return shares * missing**gamma * surprise
