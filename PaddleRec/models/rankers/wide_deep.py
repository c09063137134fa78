"""Wide & Deep Learning for Recommender Systems (https://arxiv.org/abs/1606.07792)."""

from paddle import nn

from ..embeddings.field_embedding import FieldEmbedding
from ..towers.mlp import MLP
from .ranker import Ranker, table_inputs


class WideDeep(Ranker):
    """A linear (wide) and a deep model whose logits are added (section 3.3).

    Args:
        num_numbers (int): numerical fields.
        num_categories (int): categorical fields.
        num_ids (int): rows of the table, shared by all categorical fields.
        width (int): features of an embedding.
        hidden (list[int]): sizes of the layers of the deep part.
        dropout (float): dropout probability of the deep part.
    """

    lookups = {"fields.categories": ("ids",)}

    def __init__(self, num_numbers, num_categories, num_ids, width=32, hidden=(1024, 512, 256), dropout=0.0):
        super().__init__()
        self.inputs = table_inputs(num_numbers, num_categories)
        self.fields = FieldEmbedding(num_numbers, num_ids, width)
        self.deep = MLP((num_numbers + num_categories) * width, hidden, dropout=dropout)
        self.out = nn.Linear(hidden[-1], 1)

    def predict(self, numbers, ids):
        """Logits [N] of numbers float32 [N, D] and ids int64 [N, C]."""
        first_order, vectors = self.fields(numbers, ids)
        return first_order.sum(1) + self.out(self.deep(vectors.flatten(1))).squeeze(-1)
