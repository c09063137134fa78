"""The softmax over a large vocabulary, learned from a sample of it that all rows share.

Jean et al. 2015, https://arxiv.org/abs/1412.2007, section 3.1: each score is lessened by the log of how often its item
is expected in the sample.

Shapes in this file:
    M rows, K sampled items, V items (row 0 is the unknown item), C classes.
"""

import math

import numpy as np
import paddle
from paddle.nn import functional as F


def sample_popular(count, num_items):
    """`count` items sampled by popularity, int64 [count], and the log probability of each (log-uniform sampling).

    Items are numbered from 1 by decreasing frequency; item k is drawn with probability log(1 + 1 / k) / log(V).
    """
    drawn = paddle.floor(paddle.exp(paddle.rand([count]) * math.log(num_items))).astype("int64")
    drawn = drawn.clip(1, num_items - 1)
    return drawn, log_popularity(drawn, num_items)


def log_popularity(items, num_items):
    """The log probability of items int64 [...] under :func:`sample_popular`."""
    return paddle.log(paddle.log1p(1.0 / items.clip(min=1).astype("float32")) / math.log(num_items))


def tries_for(count, num_items):
    """The number of draws of :func:`sample_popular` of which `count` different items are expected (int).

    Raises:
        ValueError: there are not so many items.
    """
    if not 0 < count < num_items - 1:
        raise ValueError(f"{count} different items of {num_items - 1}; it is 1 or more, and less than all")
    shares = np.log1p(1.0 / np.arange(1, num_items)) / math.log(num_items)
    low, high = count, count
    while expected_count(shares, high).sum() < count:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if expected_count(shares, middle).sum() < count else (low, middle)
    return high


def expected_count(shares, tries):
    """The probability of each item (ndarray) of these shares to be among so many draws at least once."""
    return -np.expm1(tries * np.log1p(-shares))


def sample_different(tries, num_items):
    """Different items of so many draws, int64 [K], and the log probability of each to be among them, see
    :func:`log_presence`; K differs from call to call.
    """
    drawn = paddle.unique(sample_popular(tries, num_items)[0])
    return drawn, log_presence(drawn, tries, num_items)


def log_presence(items, tries, num_items):
    """The log of the probability of items int64 [...] to be among so many draws at least once."""
    shares = paddle.exp(log_popularity(items, num_items))
    return paddle.log(-paddle.expm1(tries * paddle.log1p(-shares)))


def sampled_cross_entropy(positive, negatives, valid, log_expected):
    """The sampled softmax loss.

    Args:
        positive (Tensor): scores [M], minus the log of the expected count of the item in the sample.
        negatives (Tensor): scores [M, K] of the sampled items.
        valid (Tensor): bool [M, K], False where a sampled item is the positive one.
        log_expected (Tensor): [K], the log of the expected count of each sampled item.

    Returns:
        Tensor: the mean over the samples, 0 without samples.
    """
    negatives = paddle.where(valid, negatives - log_expected, paddle.full_like(negatives, -1e9))
    logits = paddle.concat([positive.unsqueeze(-1), negatives], axis=1)
    return mean_cross_entropy(logits, paddle.zeros([len(logits)], "int64"))


def mean_cross_entropy(logits, labels):
    """The mean cross entropy of logits [M, C] and labels [M]; 0 if there are no rows."""
    return F.cross_entropy(logits, labels, reduction="sum") / max(1, len(labels))
