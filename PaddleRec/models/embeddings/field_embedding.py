"""Embeddings of the fields of a row: looked up for categorical, scaled for numerical fields (DeepFM, section 2.1).

Shapes in this file:
    N rows, D numerical fields, C categorical fields, F = D + C, K features of an embedding.
"""

import paddle
from paddle import nn

from .sparse_table import SparseEmbedding


class FieldEmbedding(nn.Layer):
    """First-order weights and embeddings of all fields; both are stored in one row of one table and looked up at once.

    Args:
        num_numbers (int): D.
        num_ids (int): rows of the table, shared by all categorical fields.
        width (int): K.
        std (float): standard std of the initial values.
    """

    def __init__(self, num_numbers, num_ids, width, std=0.01):
        super().__init__()
        self.num_numbers, self.width = num_numbers, width
        self.categories = SparseEmbedding(num_ids, 1 + width, std)
        if num_numbers:
            start = paddle.ParamAttr(initializer=nn.initializer.Normal(0.0, std))
            self.numbers = self.create_parameter([num_numbers, 1 + width], attr=start)

    def forward(self, numbers, ids):
        """First-order terms [N, F] and embeddings [N, F, K] of numbers float32 [N, D] and ids int64 [N, C]."""
        rows = self.categories(ids)  # [N, C, 1 + K]
        if self.num_numbers:
            rows = paddle.concat([numbers.unsqueeze(-1) * self.numbers, rows], axis=1)
        return rows[:, :, 0], rows[:, :, 1:]
