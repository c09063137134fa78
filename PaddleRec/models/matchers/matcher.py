"""The base class of the matchers: maximum inner product search over the vectors of all items.

Shapes in this file:
    N queries, V items (row 0 is the unknown item), D features of a vector, K recommended items.
"""

import paddle
from paddle import nn


class Matcher(nn.Layer):
    """Base class of retrieval models; a child class defines `predict`, the query vectors, and `item_vectors`.

    Args:
        top_k (int): K.
    """

    task = "Retrieval"
    inputs = {"items": ([None, None], "int64")}
    outputs = ("items", "scores")

    def __init__(self, top_k=20):
        super().__init__()
        if top_k < 1:
            raise ValueError(f"{type(self).__name__} got top_k={top_k}; it must be 1 or more")
        self.top_k = top_k

    def item_vectors(self):
        """The vectors [V, D] of all items."""
        raise NotImplementedError(f"{type(self).__name__} does not define item_vectors")

    def scores(self, queries):
        """The scores [N, V] of all items for vectors [N, D]."""
        return paddle.matmul(queries, self.item_vectors(), transpose_y=True)

    def forward(self, items):
        """The top items int64 [N, K] and their scores [N, K] for sessions int64 [N, L], padded with -1."""
        return top_items(self.scores(self.predict(items)), self.top_k)


def top_items(scores, top_k):
    """(items, scores) [N, K], best first, of scores [N, V]; without item 0, the unknown one."""
    values, items = paddle.topk(scores[:, 1:], min(top_k, scores.shape[1] - 1))
    return items + 1, values


def last_state(hidden, present):
    """The last unmasked vector [N, D] of vectors [N, L, D]; `present` is the mask, bool [N, L]; 0 if all are masked."""
    counts = present.astype("int64").sum(1, keepdim=True)  # [N, 1]
    is_last = paddle.arange(1, present.shape[1] + 1).unsqueeze(0) == counts
    return (hidden * is_last.astype(hidden.dtype).unsqueeze(-1)).sum(1)
