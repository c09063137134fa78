"""A memory of concepts of a knowledge base and the attention that reads it (KT-NET, Yang et al. 2019,
https://aclanthology.org/P19-1226, section 2.2).

Shapes in this file:
    N texts of T tokens (padded), H features of a token; K candidates of a token (padded with 0), C concepts of the
    memory, D numbers of a concept.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.files import find_file
from common.layers.initializers import normal
from common.text.concepts import read_vectors

FAR = -1e6  # added to the scores of what is no candidate


class ConceptMemory(nn.Layer):
    """The vectors of concepts, which are not trained, and what each token reads of its candidates and of a sentinel.

    Args:
        in_channels (int): H, given by the encoder.
        concepts (int): C.
        size (int): D.
        vectors (str): file of vectors, see `common.text.concepts.read_vectors`; null, or a file that is not there, for
            a model whose weights are loaded.
    """

    def __init__(self, in_channels, concepts, size, vectors=None):
        super().__init__()
        found = read_vectors(vectors)[1] if vectors and find_file(vectors).exists() else None
        if found is not None and found.shape != (concepts + 1, size):
            raise ValueError(
                f"{vectors} has {found.shape[0] - 1} concepts of {found.shape[1]} numbers, ConceptMemory takes "
                f"concepts: {concepts} and size: {size}"
            )
        self.size = size
        start = normal(0.1) if found is None else paddle.ParamAttr(initializer=nn.initializer.Assign(found))
        start.trainable = False
        self.table = nn.Embedding(concepts + 1, size, weight_attr=start)
        self.query = nn.Linear(in_channels, size, weight_attr=normal(0.02), bias_attr=False)
        self.sentinel = self.create_parameter([size], default_initializer=nn.initializer.Constant(0.0))

    def forward(self, x, ids):
        """The memory that each token reads, [N, T, D]; 0 for a token without candidates.

        Args:
            x (Tensor): features of the tokens, [N, T, H].
            ids (Tensor): int64 [N, T, K], numbers of the candidates from 1 on, 0 for none.
        """
        return read_memory(self.query(x), self.table(ids), (ids > 0).astype("float32"), self.sentinel)


def read_memory(query, candidates, there, sentinel):
    """The mean of candidates and sentinel, weighted by the softmax of their inner products with the query.

    Args:
        query (Tensor): [N, T, D].
        candidates (Tensor): [N, T, K, D].
        there (Tensor): float32 [N, T, K], 1 for a candidate, 0 for padding.
        sentinel (Tensor): [D], what a token reads that none of its candidates helps.

    Returns:
        Tensor: [N, T, D], 0 where nothing is there.
    """
    scores = paddle.matmul(candidates, query.unsqueeze(3)).squeeze(3) + (there - 1) * -FAR
    weights = F.softmax(paddle.concat([paddle.matmul(query, sentinel).unsqueeze(2), scores], 2))
    found = paddle.matmul(weights[:, :, 1:].unsqueeze(2), candidates).squeeze(2)
    return (found + weights[:, :, :1] * sentinel) * there.max(2, keepdim=True)
