"""Deep & Cross Network for Ad Click Predictions (https://arxiv.org/abs/1708.05123).

Shapes in this file:
    N rows, D numerical fields, C categorical fields, E features of a row.
"""

import paddle
from paddle import nn

from ..embeddings.sparse_table import SparseEmbedding
from ..interactions.cross_network import CrossNetwork
from ..towers.mlp import MLP
from .ranker import Ranker, table_inputs


class DCN(Ranker):
    """A cross network parallel to a deep network with batch normalization; every categorical field has its own table.

    Args:
        num_numbers (int): D.
        sizes (list[int]): rows of the table of each categorical field.
        width (int): features of an embedding; 0 for 6 times the fourth root of the rows (section 2.1).
        depth (int): number of cross layers.
        hidden (list[int]): sizes of the layers of the deep part.
        dropout (float): dropout probability of the deep part.
    """

    def __init__(self, num_numbers, sizes, width=0, depth=6, hidden=(1024, 1024), dropout=0.0):
        super().__init__()
        self.inputs = table_inputs(num_numbers, len(sizes))
        widths = [width or embedding_width(rows) for rows in sizes]
        self.tables = nn.LayerList([SparseEmbedding(rows, size) for rows, size in zip(sizes, widths)])
        channels = num_numbers + sum(widths)
        self.cross = CrossNetwork(channels, depth)
        self.deep = MLP(channels, hidden, batch_norm=True, dropout=dropout)
        self.out = nn.Linear(channels + hidden[-1], 1)

    def predict(self, numbers, ids):
        """Logits [N] of numbers float32 [N, D] and ids int64 [N, C]."""
        vectors = [table(ids[:, column]) for column, table in enumerate(self.tables)]
        features = paddle.concat([numbers, *vectors], axis=1)  # [N, E]
        both = paddle.concat([self.cross(features), self.deep(features)], axis=1)
        return self.out(both).squeeze(-1)


def embedding_width(rows):
    """The embedding size of a table: 6 times the fourth root of its rows, at least 1 (int)."""
    return max(1, int(6 * rows**0.25))
