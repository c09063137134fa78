"""A deep network on feature slots, for online learning from click logs: sum pooling of embeddings, then an MLP.

A sign is an integer of 64 bits; it has the row `sign mod num_ids` of the table, in training, in evaluation and in the
exported program.

Shapes in this file:
    N rows, S slots, L signs of a slot (unsigned integers as the bits of an int64; -1 for padding),
    K features of an embedding.
"""

from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import masked_sum

from ..embeddings.sparse_table import SparseEmbedding
from ..towers.mlp import MLP
from .ranker import Ranker

PADDING = -1


class SlotDNN(Ranker):
    """A table shared by all slots; the embeddings of each slot are summed, then concatenated and passed to an MLP.

    Args:
        num_slots (int): S.
        num_ids (int): rows of the table.
        width (int): K.
        hidden (list[int]): sizes of the hidden layers.
    """

    lookups = {"signs": ("slots",)}

    def __init__(self, num_slots, num_ids, width=9, hidden=(400, 400, 400)):
        super().__init__()
        self.inputs = {"slots": ([None, num_slots, None], "int64")}
        self.num_ids = num_ids
        self.signs = SparseEmbedding(num_ids, width, modulo=True)
        self.deep = MLP(num_slots * width, hidden)
        self.out = nn.Linear(hidden[-1], 1)

    def predict(self, slots):
        """Logits [N] of signs int64 [N, S, L]."""
        present = slots != PADDING
        vectors = masked_sum(self.signs(slots), present)  # [N, S, K]
        return self.out(self.deep(vectors.flatten(1))).squeeze(-1)

    def forward(self, slots):
        """The click probability [N]."""
        return F.sigmoid(self.predict(slots))
