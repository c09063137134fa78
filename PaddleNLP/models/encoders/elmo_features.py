"""Vectors of words in their context: those of a trained, frozen ELMo beside a table of the task's own.

Peters et al. 2018, https://arxiv.org/abs/1802.05365, eq. 1 and section 3.3:
    features of a word = gamma sum of softmax(w)_j h_j,  j = 0 (the vector of the word) to L, and [x; features] is read

Shapes in this file:
    N texts of T words (padded), V words, E features of the table, P features of a direction of ELMo, L layers.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.masks import sequence_mask


class ElmoFeatures(nn.Layer):
    """A table of vectors that the task learns, and the mixed layers of ELMo, of which it learns w and gamma alone.

    Args:
        bilm (ELMo): the language model; `pretrained=` of the whole model loads its weights from a checkpoint of it.
        embedding_size (int): E.
        dropout (float): of the mixed layers.
        init (float): initial vectors of the table are uniform in [-init, init].
    """

    in_context = True
    names = ("embedding.", "forwards.", "backwards.")

    def __init__(self, bilm, embedding_size=128, dropout=0.5, init=0.1):
        super().__init__()
        self.bilm, self.dropout = bilm, dropout
        self.vocab_size, self.token_ids = bilm.vocab_size, bilm.token_ids
        for parameter in bilm.parameters():
            parameter.stop_gradient = True
        for layer in bilm.sublayers():
            if hasattr(layer, "dropout"):
                layer.dropout = 0.0
        self.table = nn.Embedding(bilm.vocab_size, embedding_size, weight_attr=uniform(init))
        zeros, one = nn.initializer.Constant(0.0), nn.initializer.Constant(1.0)
        self.weights = self.create_parameter([bilm.depth + 1], default_initializer=zeros)
        self.gamma = self.create_parameter([1], default_initializer=one)
        self.out_channels = embedding_size + 2 * bilm.size

    def forward(self, input_ids, length):
        """Vectors float32 [N, T, E + 2 P] of words int64 [N, T], 0 at the padding."""
        sides = self.bilm.layers_of(input_ids, length)
        mixed = mix([paddle.concat(pair, 2) for pair in zip(*sides)], self.weights, self.gamma)
        x = paddle.concat([self.table(input_ids), F.dropout(mixed, self.dropout, training=self.training)], 2)
        return x * sequence_mask(length, input_ids).unsqueeze(2)

    def convert_weights(self, arrays):
        """The arrays of a checkpoint of the language model under the names of a model with these features.

        Args:
            arrays (dict): name -> array; arrays of any other file are returned unchanged.
        """
        if "encoder.forwards.inputs.0.weight" not in arrays:
            return arrays
        names = {name: name.removeprefix("encoder.") for name in arrays}
        return {
            f"encoder.embedding.bilm.{short}": arrays[name]
            for name, short in names.items()
            if short.startswith(self.names)
        }


def mix(layers, weights, gamma):
    """gamma times the sum of L + 1 layers (tensors of one shape), weighted by the softmax of weights [L + 1]."""
    shares = F.softmax(weights)
    return gamma * sum(share * layer for share, layer in zip(paddle.split(shares, len(layers)), layers))


def make_table(vocab_size, embedding_size, init, embedding=None):
    """(layer, its features) of an encoder: a table of vectors, or else the given embedding.

    Args:
        vocab_size (int): V.
        embedding_size (int): E, of a table.
        init (float): initial vectors of a table are uniform in [-init, init].
        embedding (ElmoFeatures | None): the given one.
    """
    if embedding is None:
        return nn.Embedding(vocab_size, embedding_size, weight_attr=uniform(init)), embedding_size
    if embedding.vocab_size != vocab_size:
        raise ValueError(f"vocab_size is {vocab_size}, that of the embedding {embedding.vocab_size}; they are equal")
    return embedding, embedding.out_channels


def look_up(embedding, input_ids, length):
    """Vectors [N, T, E] of words int64 [N, T] of texts of lengths int64 [N], see :func:`make_table`."""
    return embedding(input_ids, length) if getattr(embedding, "in_context", False) else embedding(input_ids)
