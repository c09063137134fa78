"""A deep network on feature slots, for online learning from click logs: sum pooling of embeddings, then an MLP.

Shapes in this file:
    N rows, S slots, L signs of a slot (-1 for padding), K features of an embedding.
"""

from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import masked_sum

from ..embeddings.sparse_table import SparseEmbedding
from ..towers.mlp import MLP
from .ranker import Ranker


class SlotDNN(Ranker):
    """A table shared by all slots; the embeddings of each slot are summed, then concatenated and passed to an MLP.

    Args:
        num_slots (int): S.
        num_ids (int): rows of the table.
        width (int): K.
        hidden (list[int]): sizes of the hidden layers.
    """

    def __init__(self, num_slots, num_ids, width=9, hidden=(400, 400, 400)):
        super().__init__()
        self.inputs = {"slots": ([None, num_slots, None], "int64")}
        self.signs = SparseEmbedding(num_ids, width)
        self.deep = MLP(num_slots * width, hidden)
        self.out = nn.Linear(hidden[-1], 1)

    def predict(self, slots):
        """Logits [N] of signs int64 [N, S, L]."""
        vectors = masked_sum(self.signs(slots), slots >= 0)  # [N, S, K]
        return self.out(self.deep(vectors.flatten(1))).squeeze(-1)

    def forward(self, slots):
        """The click probability [N]."""
        return F.sigmoid(self.predict(slots))
