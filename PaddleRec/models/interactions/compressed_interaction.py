"""The compressed interaction network (xDeepFM, https://arxiv.org/abs/1803.05170, section 3.1).

Shapes in this file:
    N rows, F fields, K features of an embedding, H feature maps of a layer, P of the previous layer.
"""

import itertools

import paddle
from paddle import nn
from paddle.nn import functional as F


class CompressedInteraction(nn.Layer):
    """Vector-wise feature interactions of increasing degree, with sum pooling of each feature map.

    Args:
        num_fields (int): F.
        maps (list[int]): H of each layer.
        activation (str): `linear` or `relu`.
    """

    def __init__(self, num_fields, maps=(10, 10), activation="linear"):
        super().__init__()
        if activation not in ("linear", "relu"):
            raise ValueError(f"CompressedInteraction got activation='{activation}'; it must be linear or relu")
        self.activation = activation
        sizes = [num_fields, *maps]
        self.weights = nn.ParameterList(
            [self.create_parameter([after, before * num_fields]) for before, after in itertools.pairwise(sizes)]
        )
        self.out_channels = sum(maps)

    def forward(self, vectors):
        """The feature maps of all layers, each summed over K, [N, sum of H], of embeddings [N, F, K]."""
        pooled, maps = [], vectors
        for weight in self.weights:
            maps = interact(maps, vectors, weight)
            if self.activation == "relu":
                maps = F.relu(maps)
            pooled.append(maps.sum(-1))
        return paddle.concat(pooled, axis=1)


def interact(maps, vectors, weight):
    """Eq. (6): weight [H, P * F] times the elementwise products of maps [N, P, K] and embeddings [N, F, K]."""
    products = maps.unsqueeze(2) * vectors.unsqueeze(1)  # [N, P, F, K]
    return paddle.matmul(weight, products.flatten(1, 2))  # [N, H, K]
