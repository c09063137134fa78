"""Logistic regression on sparse features (https://doi.org/10.1145/2487575.2488200)."""

from paddle.nn import initializer

from ..embeddings.field_embedding import FieldEmbedding
from .ranker import Ranker, table_inputs


class LogisticRegression(Ranker):
    """A weight for each numerical field and each id, and a bias.

    Args:
        num_numbers (int): numerical fields.
        num_categories (int): categorical fields.
        num_ids (int): rows of the table, shared by all categorical fields.
    """

    lookups = {"fields.categories": ("ids",)}

    def __init__(self, num_numbers, num_categories, num_ids):
        super().__init__()
        self.inputs = table_inputs(num_numbers, num_categories)
        self.fields = FieldEmbedding(num_numbers, num_ids, width=0, std=0.0)
        self.bias = self.create_parameter([1], is_bias=True, default_initializer=initializer.Constant(0.0))

    def predict(self, numbers, ids):
        """Logits [N] of numbers float32 [N, D] and ids int64 [N, C]."""
        first_order, _ = self.fields(numbers, ids)
        return first_order.sum(1) + self.bias
