"""Embedding layers on tables with sparse gradients, see `common.layers.tables` for where the rows are."""

import paddle
from paddle import nn

from common.errors import ConfigError
from common.layers.tables import LocalTable, make_table

__all__ = ["LocalTable", "SparseEmbedding", "replace_tables", "replace_unknown", "sign_rows"]


class SparseEmbedding(nn.Layer):
    """An embedding layer on a table; ids out of range get the row of unknown ids.

    Args:
        num_rows (int): R.
        width (int): features of a row.
        std (float): standard deviation of the initial values.
        unknown (int): the row for ids outside [0, R).
        modulo (bool): ids are unsigned numbers of 64 bits, and have the row `id mod R`; none is unknown then.

    Raises:
        ConfigError: a size is not positive, or `unknown` is not a row.
    """

    def __init__(self, num_rows, width, std=0.01, unknown=0, modulo=False):
        super().__init__()
        if num_rows < 1 or width < 1 or not 0 <= unknown < num_rows:
            raise ConfigError(
                f"SparseEmbedding got num_rows={num_rows}, width={width} and unknown={unknown}; "
                "sizes must be 1 or more, and unknown a row"
            )
        self.num_rows, self.width, self.unknown, self.modulo = num_rows, width, unknown, modulo
        self.table = make_table(num_rows, width, std)

    def forward(self, ids):
        """Rows [..., width] of ids int64 [...]; None where the rows themselves are given to the table."""
        if ids is None:
            return self.table.lookup(None)
        rows = sign_rows(ids, self.num_rows) if self.modulo else replace_unknown(ids, self.num_rows, self.unknown)
        return self.table.lookup(rows)


def replace_unknown(ids, num_rows, unknown=0):
    """The ids, with those outside [0, num_rows) replaced by `unknown`."""
    inside = (ids >= 0).logical_and(ids < num_rows)
    return paddle.where(inside, ids, paddle.full_like(ids, unknown))


def sign_rows(signs, num_ids):
    """The rows `sign mod num_ids` of unsigned signs, given as the bits of an int64."""
    rows = signs % num_ids
    return paddle.where(signs < 0, (rows + 2**64 % num_ids) % num_ids, rows)


def replace_tables(model, make):
    """Replaces the tables of a model that is built already.

    Args:
        model (nn.Layer): any model.
        make (Callable): from (name, LocalTable) to an object with `lookup` and `push`.
    """
    for name, layer in model.named_sublayers():
        if isinstance(layer, SparseEmbedding):
            table = layer.table
            del layer.table  # Paddle refuses another type of object under the name of a sublayer
            layer.table = make(f"{name}.table", table)
