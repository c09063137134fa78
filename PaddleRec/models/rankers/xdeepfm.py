"""xDeepFM: Combining Explicit and Implicit Feature Interactions (https://arxiv.org/abs/1803.05170).

Shapes in this file:
    N rows, D numerical fields, C categorical fields, F = D + C, K features of an embedding.
"""

from paddle import nn

from ..embeddings.field_embedding import FieldEmbedding
from ..interactions.compressed_interaction import CompressedInteraction
from ..towers.mlp import MLP
from .ranker import Ranker, table_inputs


class XDeepFM(Ranker):
    """A linear part, a compressed interaction network (CIN) and a deep network (eq. 9).

    Args:
        num_numbers (int): D.
        num_categories (int): C.
        num_ids (int): rows of the table, shared by all categorical fields.
        width (int): K.
        hidden (list[int]): sizes of the layers of the deep part.
        maps (list[int]): feature maps of each CIN layer.
        activation (str): of the CIN, linear or relu.
    """

    lookups = {"fields.categories": ("ids",)}

    def __init__(
        self, num_numbers, num_categories, num_ids, width=10, hidden=(400, 400), maps=(200, 200), activation="linear"
    ):
        super().__init__()
        self.inputs = table_inputs(num_numbers, num_categories)
        num_fields = num_numbers + num_categories
        self.fields = FieldEmbedding(num_numbers, num_ids, width)
        self.interaction = CompressedInteraction(num_fields, maps, activation)
        self.interaction_out = nn.Linear(self.interaction.out_channels, 1)
        self.deep = MLP(num_fields * width, hidden)
        self.deep_out = nn.Linear(hidden[-1], 1)
        self.bias = self.create_parameter([1], is_bias=True)

    def predict(self, numbers, ids):
        """Logits [N] of numbers float32 [N, D] and ids int64 [N, C]."""
        first_order, vectors = self.fields(numbers, ids)  # [N, F], [N, F, K]
        explicit = self.interaction_out(self.interaction(vectors)).squeeze(-1)
        implicit = self.deep_out(self.deep(vectors.flatten(1))).squeeze(-1)
        return first_order.sum(1) + explicit + implicit + self.bias
