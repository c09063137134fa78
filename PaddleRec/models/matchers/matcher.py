"""What all matchers share: the best items among all, by the product of a query's and an item's vector.

Shapes in this file:
    N queries, V items (row 0 is the unknown one), D numbers in a vector, K items that are answered.
"""

import math

import paddle
from paddle import nn


class Matcher(nn.Layer):
    """A model that finds items; the child class defines `predict`, the vectors of queries, and `item_vectors`.

    Args:
        keep (int): K.
    """

    task = "Retrieval"
    inputs = {"items": ([None, None], "int64")}
    outputs = ("items", "scores")

    def __init__(self, keep=20):
        super().__init__()
        if keep < 1:
            raise ValueError(f"{type(self).__name__} got keep={keep}; it must be 1 or more")
        self.keep = keep

    def item_vectors(self):
        """The vectors [V, D] of all items."""
        raise NotImplementedError(f"{type(self).__name__} does not define item_vectors")

    def scores(self, queries):
        """The scores [N, V] of all items for vectors [N, D]."""
        return paddle.matmul(queries, self.item_vectors(), transpose_y=True)

    def forward(self, items):
        """The best known items int64 [N, K] and their scores [N, K] after items int64 [N, L], -1 for padding."""
        return best_items(self.scores(self.predict(items)), self.keep)


def best_items(scores, keep):
    """(items, scores) [N, K], best first, of scores [N, V]; item 0, the unknown one, is never among them."""
    values, items = paddle.topk(scores[:, 1:], min(keep, scores.shape[1] - 1))
    return items + 1, values


def last_of(hidden, present):
    """The vector [N, D] of the last place that is present (bool [N, L]) of vectors [N, L, D]; zero where none is."""
    counts = present.astype("int64").sum(1, keepdim=True)  # [N, 1]
    is_last = paddle.arange(1, present.shape[1] + 1).unsqueeze(0) == counts
    return (hidden * is_last.astype(hidden.dtype).unsqueeze(-1)).sum(1)


def popular_items(count, num_items):
    """`count` items drawn by popularity, int64 [count], and the logarithm of each one's probability.

    Items are numbered from 1 by falling frequency; that of item k is taken as log(1 + 1 / k) / log(V), Zipf's law.
    """
    drawn = paddle.floor(paddle.exp(paddle.rand([count]) * math.log(num_items))).astype("int64")
    drawn = drawn.clip(1, num_items - 1)
    return drawn, log_popularity(drawn, num_items)


def log_popularity(items, num_items):
    """The logarithm of the probability with which :func:`popular_items` draws items int64 [...]."""
    return paddle.log(paddle.log1p(1.0 / items.clip(min=1).astype("float32")) / math.log(num_items))
