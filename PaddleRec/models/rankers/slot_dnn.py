"""The network of feature slots that click logs are trained with on-line: sums of embeddings, then layers.

Shapes in this file:
    N rows, S slots, L signs of a slot (-1 where there are fewer), K numbers in a vector.
"""

from paddle import nn
from paddle.nn import functional as F

from ..embeddings.sparse_table import SparseEmbedding, pooled
from ..towers.mlp import MLP
from .ranker import Ranker


class SlotDNN(Ranker):
    """One table for all slots; the vectors of a slot are added, those of all slots go through the layers.

    Args:
        num_slots (int): S.
        num_ids (int): rows of the table.
        width (int): K.
        hidden (list[int]): sizes of the layers.
    """

    def __init__(self, num_slots, num_ids, width=9, hidden=(400, 400, 400)):
        super().__init__()
        self.inputs = {"slots": ([None, num_slots, None], "int64")}
        self.signs = SparseEmbedding(num_ids, width)
        self.deep = MLP(num_slots * width, hidden)
        self.out = nn.Linear(hidden[-1], 1)

    def predict(self, slots):
        """Logits [N] of signs int64 [N, S, L]."""
        vectors = pooled(self.signs(slots), slots >= 0)  # [N, S, K]
        return self.out(self.deep(vectors.flatten(1))).squeeze(-1)

    def forward(self, slots):
        """The probability [N] of label 1."""
        return F.sigmoid(self.predict(slots))
