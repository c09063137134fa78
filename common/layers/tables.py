"""Embedding tables with sparse gradients, behind an interface of two calls that hides where the rows are stored.

    table.lookup(ids)            rows of the ids, on the autograd tape: their backward pass calls `push`
    table.push(ids, gradients)   accumulates the gradients of rows, for the optimizer

`LocalTable` stores all rows in this process; the optimizer under `optimizer.sparse` updates only rows that have a
gradient.  A table whose rows are elsewhere is made from the start by :func:`tables_made_by`, so that no row of it is
ever allocated here; `FetchedTable` is one whose rows were fetched for the present batch.
"""

import contextlib

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError


class LocalTable(nn.Embedding):
    """Rows in the memory of this process, with gradients for the looked-up rows only.

    Args:
        num_rows (int): R.
        width (int): features of a row.
        std (float): standard deviation of the normal initial values; 0 for zeros.
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


_makers = [LocalTable]


@contextlib.contextmanager
def tables_made_by(make):
    """Context manager in which models are built with tables of another kind.

    Args:
        make (Callable): from (num_rows, width, std) to an object with `lookup` and `push`.
    """
    _makers.append(make)
    try:
        yield
    finally:
        _makers.pop()


def make_table(num_rows, width, std=0.01):
    """A table of the kind that the model being built is to have; :class:`LocalTable` unless configured otherwise."""
    return _makers[-1](num_rows, width, std)


class FetchedTable:
    """A table of which only the rows of the present batch are here; their gradients go where the rows came from.

    Args:
        num_rows (int): R, of the whole table.
        width (int): K.
        std (float): standard deviation of the first values, which the store of the rows makes.
    """

    def __init__(self, num_rows, width, std=0.01):
        self.num_rows, self.width, self.std = num_rows, width, std
        self.keys, self.rows, self.places, self.fed = np.zeros(0, np.int64), None, [], []

    def take(self, keys, rows, places):
        """Takes the rows of a batch.

        Args:
            keys (ndarray): int64 [U], ascending.
            rows (ndarray): float32 [U, K].
            places (list[tuple[ndarray, ndarray]]): for each look-up of the batch its ids int64 and their places in
                `keys`, of one shape.
        """
        self.keys, self.places = keys, places
        self.rows = paddle.to_tensor(rows, stop_gradient=False)

    def gradients(self):
        """The gradients of the rows, float32 [U, K], one for each key: those of equal ids are summed already."""
        grad = self.rows.grad
        return np.zeros((len(self.keys), self.width), np.float32) if grad is None else grad.numpy()

    @paddle.jit.not_to_static  # the tracer cannot read it, and need not
    def lookup(self, ids):
        """Rows [..., K] of ids int64 [...], all of them among the keys of the batch; in a program, rows fed to it."""
        if self.fed:
            return self.fed.pop(0)
        ids = ids.numpy()
        for known, place in self.places:
            if known.shape == ids.shape and np.array_equal(known, ids):
                return F.embedding(paddle.to_tensor(place), self.rows)
        place = np.minimum(np.searchsorted(self.keys, ids), max(len(self.keys) - 1, 0))
        if not len(self.keys) or not np.array_equal(self.keys[place], ids):
            raise ConfigError("a model looks up ids that are not in the inputs that its `lookups` names")
        return F.embedding(paddle.to_tensor(place), self.rows)

    def push(self, ids, gradients):
        """Accumulates gradients [..., K] of the rows `ids`, as the backward pass of `lookup` does."""
        paddle.autograd.backward([self.lookup(ids)], [gradients])
