"""DeepFM: A Factorization-Machine based Neural Network for CTR Prediction (https://arxiv.org/abs/1703.04247).

Shapes in this file:
    N rows, D numerical fields, C categorical fields, F = D + C, K features of an embedding.
"""

from paddle import nn

from ..embeddings.field_embedding import FieldEmbedding
from ..interactions.factorization_machine import pairwise_products
from ..towers.mlp import MLP
from .ranker import Ranker, table_inputs


class DeepFM(Ranker):
    """A factorization machine and a deep network that share the embeddings (eq. 1 to 4).

    Args:
        num_numbers (int): D.
        num_categories (int): C.
        num_ids (int): rows of the table, shared by all categorical fields.
        width (int): K.
        hidden (list[int]): sizes of the layers of the deep part.
        dropout (float): dropout probability of the deep part.
    """

    lookups = {"fields.categories": ("ids",)}

    def __init__(self, num_numbers, num_categories, num_ids, width=10, hidden=(400, 400, 400), dropout=0.0):
        super().__init__()
        self.inputs = table_inputs(num_numbers, num_categories)
        self.fields = FieldEmbedding(num_numbers, num_ids, width)
        self.deep = MLP((num_numbers + num_categories) * width, hidden, dropout=dropout)
        self.out = nn.Linear(hidden[-1], 1)

    def predict(self, numbers, ids):
        """Logits [N] of numbers float32 [N, D] and ids int64 [N, C]."""
        first_order, vectors = self.fields(numbers, ids)  # [N, F], [N, F, K]
        deep = self.out(self.deep(vectors.flatten(1))).squeeze(-1)
        return first_order.sum(1) + pairwise_products(vectors) + deep
