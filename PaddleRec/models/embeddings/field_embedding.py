"""A vector for each field of a row: looked up for categories, scaled for numbers (DeepFM, section 2.1).

Shapes in this file:
    N rows, D number fields, C category fields, F = D + C, K numbers in a vector.
"""

import paddle
from paddle import nn

from .sparse_table import SparseEmbedding


class FieldEmbedding(nn.Layer):
    """First-order weights and vectors of all fields; both come from one row of one table, so that it is read once.

    Args:
        num_numbers (int): D.
        num_ids (int): rows of the table of all categories.
        width (int): K.
        deviation (float): of the first values.
    """

    def __init__(self, num_numbers, num_ids, width, deviation=0.01):
        super().__init__()
        self.num_numbers, self.width = num_numbers, width
        self.categories = SparseEmbedding(num_ids, 1 + width, deviation)
        if num_numbers:
            start = paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, deviation))
            self.numbers = self.create_parameter([num_numbers, 1 + width], attr=start)

    def forward(self, numbers, ids):
        """First-order terms [N, F] and vectors [N, F, K] of numbers float32 [N, D] and ids int64 [N, C]."""
        rows = self.categories(ids)  # [N, C, 1 + K]
        if self.num_numbers:
            rows = paddle.concat([numbers.unsqueeze(-1) * self.numbers, rows], axis=1)
        return rows[:, :, 0], rows[:, :, 1:]
