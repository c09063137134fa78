"""Embedding tables with sparse gradients, behind an interface of two calls that hides where the rows are stored.

    table.lookup(ids)            rows of the ids, on the autograd tape: their backward pass calls `push`
    table.push(ids, gradients)   accumulates the gradients of rows, for the optimizer

`LocalTable` stores all rows in this process; the optimizer under `optimizer.sparse` updates only rows that have a
gradient.  A remote table implements the same two calls and is installed by :func:`replace_tables`.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError


class LocalTable(nn.Embedding):
    """Rows in the memory of this process, with gradients for the looked-up rows only.

    Args:
        num_rows (int): R.
        width (int): features of a row.
        std (float): standard std of the normal initial values; 0 for zeros.
    """

    def __init__(self, num_rows, width, std=0.01):
        start = nn.initializer.Normal(0.0, std) if std else nn.initializer.Constant(0.0)
        super().__init__(num_rows, width, sparse=True, weight_attr=paddle.ParamAttr(initializer=start))
        self.num_rows, self.width = num_rows, width

    def lookup(self, ids):
        """Rows [..., width] of ids int64 [...], each in [0, R)."""
        return F.embedding(ids, self.weight, sparse=True)

    def push(self, ids, gradients):
        """Accumulates gradients [..., width] of the rows `ids`, as the backward pass of `lookup` does."""
        paddle.autograd.backward([self.lookup(ids)], [gradients])


class SparseEmbedding(nn.Layer):
    """An embedding layer on a table; ids out of range get the row of unknown ids.

    Args:
        num_rows (int): R.
        width (int): features of a row.
        std (float): standard std of the initial values.
        unknown (int): the row for ids outside [0, R).

    Raises:
        ConfigError: a size is not positive, or `unknown` is not a row.
    """

    def __init__(self, num_rows, width, std=0.01, unknown=0):
        super().__init__()
        if num_rows < 1 or width < 1 or not 0 <= unknown < num_rows:
            raise ConfigError(
                f"SparseEmbedding got num_rows={num_rows}, width={width} and unknown={unknown}; "
                "sizes must be 1 or more, and unknown a row"
            )
        self.num_rows, self.width, self.unknown = num_rows, width, unknown
        self.table = LocalTable(num_rows, width, std)

    def forward(self, ids):
        """Rows [..., width] of ids int64 [...]."""
        return self.table.lookup(replace_unknown(ids, self.num_rows, self.unknown))


def replace_unknown(ids, num_rows, unknown=0):
    """The ids, with those outside [0, num_rows) replaced by `unknown`."""
    inside = (ids >= 0).logical_and(ids < num_rows)
    return paddle.where(inside, ids, paddle.full_like(ids, unknown))


def replace_tables(model, make):
    """Replaces the tables of a model.

    Args:
        model (nn.Layer): any model.
        make (Callable): from (name, LocalTable) to an object with `lookup` and `push`.
    """
    for name, layer in model.named_sublayers():
        if isinstance(layer, SparseEmbedding):
            table = layer.table
            del layer.table  # Paddle refuses another type of object under the name of a sublayer
            layer.table = make(f"{name}.table", table)
