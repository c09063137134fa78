"""Embedding tables behind two calls, so that where the rows live is nobody else's concern.

    table.lookup(ids)            rows of the ids, on the tape: going back through them leads to `push`
    table.push(ids, gradients)   gradients of rows, for whoever moves them

`LocalTable` keeps all rows in this process; the optimizer named under `optimizer.sparse` moves those that have a
gradient, and no others.  A table elsewhere answers the same two calls and is put in place by :func:`replace_tables`.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError


class LocalTable(nn.Embedding):
    """Rows in the memory of this process, with gradients of the rows looked up alone.

    Args:
        num_rows (int): R.
        width (int): numbers in a row.
        deviation (float): of the normal distribution that the first values are drawn from; 0 makes zeros.
    """

    def __init__(self, num_rows, width, deviation=0.01):
        start = nn.initializer.Normal(0.0, deviation) if deviation else nn.initializer.Constant(0.0)
        super().__init__(num_rows, width, sparse=True, weight_attr=paddle.ParamAttr(initializer=start))
        self.num_rows, self.width = num_rows, width

    def lookup(self, ids):
        """Rows [..., width] of ids int64 [...], each in [0, R)."""
        return F.embedding(ids, self.weight, sparse=True)

    def push(self, ids, gradients):
        """Adds gradients [..., width] to those of the rows `ids`, as going back through `lookup` does."""
        paddle.autograd.backward([self.lookup(ids)], [gradients])


class SparseEmbedding(nn.Layer):
    """What models look ids up in; an id without a row gets the row of unknown ids.

    Args:
        num_rows (int): R.
        width (int): numbers in a row.
        deviation (float): of the first values.
        unknown (int): the row of ids that are not in [0, R).

    Raises:
        ConfigError: a size is not positive.
    """

    def __init__(self, num_rows, width, deviation=0.01, unknown=0):
        super().__init__()
        if num_rows < 1 or width < 1 or not 0 <= unknown < num_rows:
            raise ConfigError(f"a table of {num_rows} rows of {width} numbers, unknown ids in row {unknown}")
        self.num_rows, self.width, self.unknown = num_rows, width, unknown
        self.table = LocalTable(num_rows, width, deviation)

    def forward(self, ids):
        """Rows [..., width] of ids int64 [...]."""
        return self.table.lookup(known_rows(ids, self.num_rows, self.unknown))


def known_rows(ids, num_rows, unknown=0):
    """The ids, those outside [0, num_rows) replaced by `unknown`."""
    inside = (ids >= 0).logical_and(ids < num_rows)
    return paddle.where(inside, ids, paddle.full_like(ids, unknown))


def pooled(rows, present):
    """The sum [..., width] over the rows [..., L, width] that are present, bool [..., L]."""
    return (rows * present.astype(rows.dtype).unsqueeze(-1)).sum(-2)


def replace_tables(model, make):
    """Puts other tables in place of a model's.

    Args:
        model (nn.Layer): any.
        make (Callable): from (name, LocalTable) to an object with `lookup` and `push`.
    """
    for name, layer in model.named_sublayers():
        if isinstance(layer, SparseEmbedding):
            table = layer.table
            del layer.table  # a layer's place takes no other object
            layer.table = make(f"{name}.table", table)
