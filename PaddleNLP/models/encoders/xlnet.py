"""XLNet (Yang et al. 2019, https://arxiv.org/abs/1906.08237) on the layers of Transformer-XL (https://arxiv.org/abs/1901.02860).

Attention knows how far a token is away (relative positions) and whether it is of the same segment, not where both are.
A memory of the features before a segment is attended to as well. Pretraining has two streams: the content stream sees a
token itself, the query stream of the predicted places sees the place alone, and both share all weights.

Shapes in this file:
    N texts of T tokens (padded), M remembered tokens, K = M + T, P predicted places, H features, A heads of H / A.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from ..foreign.xlnet_names import xlnet_names
from .transformer import linear, normal

FAR = -1e30  # added to the scores of what is not seen


class XLNet(nn.Layer):
    """The encoder; the defaults are those of xlnet-base-cased.

    Args:
        vocab_size (int): size of the vocabulary.
        hidden_size (int): H.
        layers (int): number of layers.
        heads (int): A.
        inner_size (int): of the feed-forward part; 0 for 4 H.
        activation (str): relu or gelu, of the feed-forward part.
        dropout (float): dropout probability of features and of attention weights.
        epsilon (float): added to the variance in layer normalization.
    """

    segments, max_positions = True, None

    def __init__(
        self, vocab_size=32000, hidden_size=768, layers=12, heads=12, inner_size=0, activation="gelu", dropout=0.1,
        epsilon=1e-12,
    ):  # fmt: skip
        super().__init__()
        if hidden_size % (2 * heads):
            raise ValueError(f"XLNet: hidden_size {hidden_size} is not a multiple of twice the heads, {heads}")
        if activation not in ("relu", "gelu"):
            raise ValueError(f"XLNet: activation is {activation!r}; it is relu or gelu")
        self.vocab_size = vocab_size
        self.out_channels = self.summary_channels = hidden_size
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=normal())
        self.dropout = nn.Dropout(dropout)
        inner = inner_size or 4 * hidden_size
        self.layers = nn.LayerList(
            [XLNetLayer(hidden_size, heads, inner, activation, dropout, epsilon) for _ in range(layers)]
        )
        self.pooler = linear(hidden_size, hidden_size)

    def forward(self, input_ids, token_type_ids, length):
        """Features of every token, [N, T, H]; int64 [N, T], [N, T], [N]."""
        unseen = (1 - sequence_mask(length, input_ids)).unsqueeze([1, 2]) * FAR  # [N, 1, 1, T]
        return self.run(self.embedding(input_ids), token_type_ids, unseen)[0]

    def run(self, content, token_type_ids, content_mask, memory=None, query=None, query_mask=None, places=None):
        """Both streams, or the content stream alone.

        Args:
            content (Tensor): embeddings [N, T, H].
            token_type_ids (Tensor): int64 [N, T], the segment of each token.
            content_mask (Tensor): float32 [N, 1, T or 1, K], added to the scores of the content stream.
            memory (list[Tensor] | None): for each layer the features [N, M, H] before the text.
            query (Tensor | None): [N, P, H], the first features of the query stream.
            query_mask (Tensor | None): float32 [N, 1, T, K] of the query stream.
            places (Tensor | None): float32 [N, P, T], a 1 in the column of each predicted place.

        Returns:
            tuple: features [N, T, H], those of the query stream [N, P, H] or None, and the inputs of each layer, of
                which the next memory is made (list of [N, T, H]).
        """
        size = paddle.shape(content)[1]
        remembered = 0 if memory is None else memory[0].shape[1]
        far = paddle.arange(-size, size + remembered).flip(0).astype("float32") + 1  # K, ..., 1 - T
        positions = self.dropout(self.position_features(far)).unsqueeze(0)  # [1, T + K, H]
        before = paddle.zeros([paddle.shape(content)[0], remembered], "int64")
        kinds = paddle.concat([before, token_type_ids], 1) if remembered else token_type_ids
        other = (token_type_ids.unsqueeze(2) != kinds.unsqueeze(1)).astype("float32").unsqueeze(1)  # [N, 1, T, K]
        content = self.dropout(content)
        query = None if query is None else self.dropout(query)
        inputs = []
        for number, layer in enumerate(self.layers):
            inputs.append(content)
            seen = content if memory is None else paddle.concat([memory[number], content], 1)
            keys = layer.keys(seen, positions)
            after = layer(content, layer.heads_of(layer.query(content)), keys, other, content_mask)
            if query is not None:
                asked = paddle.matmul(places, layer.query(query), transpose_x=True)  # at the predicted places
                query = layer(query, layer.heads_of(asked), keys, other, query_mask, places)
            content = after
        return self.dropout(content), None if query is None else self.dropout(query), inputs

    def position_features(self, far):
        """Sines and cosines [R, H] of distances float32 [R]."""
        size = self.out_channels
        rates = paddle.to_tensor(1 / 10000 ** (np.arange(0, size, 2) / size), "float32")
        angles = far.unsqueeze(1) * rates.unsqueeze(0)
        return paddle.concat([paddle.sin(angles), paddle.cos(angles)], 1)

    def summary(self, sequence, length):
        """tanh of the pooler of the last token, <cls>; [N, H]."""
        last = (length - 1).unsqueeze([1, 2]).expand([-1, 1, self.out_channels])
        return paddle.tanh(self.pooler(paddle.take_along_axis(sequence, last, 1).squeeze(1)))

    def layers_above(self, name):
        """The number of layers above a parameter of this encoder: 1 for those of its last layer and its pooler."""
        if name.startswith("pooler."):
            return 1
        return len(self.layers) - int(name.split(".")[1]) if name.startswith("layers.") else len(self.layers) + 1

    def convert_weights(self, arrays):
        """Arrays of transformers' files under the names of this kit, see `foreign/xlnet_names.py`."""
        return xlnet_names(arrays)


class XLNetLayer(nn.Layer):
    """Relative attention and a feed-forward network, each with a residual connection and layer normalization.

    Args:
        hidden_size (int): H.
        heads (int): A.
        inner_size (int): of the feed-forward part.
        activation (str): relu or gelu.
        dropout (float): dropout probability.
        epsilon (float): added to the variance in layer normalization.
    """

    def __init__(self, hidden_size, heads, inner_size, activation, dropout, epsilon):
        super().__init__()
        self.heads, self.size = heads, hidden_size // heads
        self.activation = F.relu if activation == "relu" else F.gelu
        for name in ("query", "key", "value", "position", "output"):
            setattr(self, name, nn.Linear(hidden_size, hidden_size, weight_attr=normal(), bias_attr=False))
        shape = [heads, self.size]
        self.content_bias, self.position_bias, self.segment_bias = (
            self.create_parameter(shape, attr=normal()) for _ in range(3)
        )
        self.segment_embedding = self.create_parameter([2, *shape], attr=normal())  # the same segment, another one
        self.attention_norm = nn.LayerNorm(hidden_size, epsilon)
        self.wide, self.narrow = linear(hidden_size, inner_size), linear(inner_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, query, keys, other, mask, places=None):
        """One stream.

        Args:
            x (Tensor): its features, [N, T, H], or [N, P, H] of the query stream.
            query (Tensor): [N, T, A, H / A].
            keys (tuple[Tensor]): see `keys`.
            other (Tensor): float32 [N, 1, T, K], 1 for tokens of different segments.
            mask (Tensor): float32, added to the scores.
            places (Tensor | None): see `XLNet.run`.
        """
        found = self.attend(query, *keys, other, mask)
        if places is not None:
            found = paddle.matmul(places, found)
        x = self.attention_norm(x + self.dropout(self.output(found)))
        wide = self.dropout(self.activation(self.wide(x)))
        return self.norm(x + self.dropout(self.narrow(wide)))

    def heads_of(self, x):
        """[N, T, A, H / A] of x [N, T, H]."""
        return x.reshape([0, 0, self.heads, self.size])

    def keys(self, seen, positions):
        """Keys, values and keys of the distances, each [N, A, K, H / A], of features [N, K, H] and [1, T + K, H]."""
        products = (self.key(seen), self.value(seen), self.position(positions))
        return tuple(self.heads_of(x).transpose([0, 2, 1, 3]) for x in products)

    def attend(self, query, key, value, distance, other, mask):
        """The values [N, T, H], weighted by content, distance and segment."""
        by_content, by_distance, by_segment = (
            (query + bias).transpose([0, 2, 1, 3])
            for bias in (self.content_bias, self.position_bias, self.segment_bias)
        )
        far = shift(paddle.matmul(by_distance, distance, transpose_y=True), paddle.shape(key)[2])
        same, different = (  # [N, A, T, 1]
            (by_segment * self.segment_embedding[kind].unsqueeze(1)).sum(-1, keepdim=True) for kind in range(2)
        )
        scores = paddle.matmul(by_content, key, transpose_y=True) + far + same + other * (different - same)
        weights = self.dropout(F.softmax(scores * self.size**-0.5 + mask))
        return paddle.matmul(weights, value).transpose([0, 2, 1, 3]).reshape([0, 0, self.heads * self.size])


def shift(scores, count):
    """The scores of key j for query i from those by distance: column T - i + j of row i.

    Args:
        scores (Tensor): [N, A, T, T + K], of the distances K, K - 1, ..., 1 - T.
        count (int | Tensor): K.

    Returns:
        Tensor: [N, A, T, K].
    """
    heads, rows, columns = scores.shape[1], paddle.shape(scores)[2], paddle.shape(scores)[3]
    found = scores.reshape([0, heads, columns, rows])[:, :, 1:]
    return found.reshape([0, heads, rows, columns - 1])[:, :, :, :count]
