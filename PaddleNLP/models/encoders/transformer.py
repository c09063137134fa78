"""The Transformer encoder of BERT (https://arxiv.org/abs/1810.04805) and of ERNIE 1.0 and 2.0
(https://arxiv.org/abs/1904.09223, https://arxiv.org/abs/1907.12412), with layer normalization after each residual
connection (post-norm; Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.1).

Shapes in this file:
    N texts of T tokens (padded), V tokens of the vocabulary, H features, A heads of H / A features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask

from ..foreign.checkpoint_names import our_names

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}


class TransformerEncoder(nn.Layer):
    """Base class: word, position, segment and (ERNIE 2.0) task embeddings, Transformer layers, and a pooler.

    Args:
        vocab_size (int): V.
        hidden_size (int): H.
        layers (int): number of Transformer layers.
        heads (int): A.
        max_positions (int): rows of the position embedding, the length of the longest text.
        segments_known (int): rows of the segment embedding.
        tasks (int): rows of the task embedding of ERNIE 2.0; 0 for none.
        activation (str): relu or gelu, of the feed-forward part, whose inner size is 4 H.
        dropout (float): dropout probability of features and of attention weights.
        epsilon (float): added to the variance in layer normalization.
    """

    segments = True

    def __init__(
        self, vocab_size, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=2, tasks=0,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"{type(self).__name__}: hidden_size {hidden_size} is not a multiple of heads {heads}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"{type(self).__name__}: activation is {activation!r}; it is relu or gelu")
        self.vocab_size, self.max_positions, self.activation = vocab_size, max_positions, activation
        self.out_channels = self.summary_channels = hidden_size
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=normal())
        self.positions = nn.Embedding(max_positions, hidden_size, weight_attr=normal())
        self.segment_embedding = nn.Embedding(segments_known, hidden_size, weight_attr=normal())
        self.task_embedding = nn.Embedding(tasks, hidden_size, weight_attr=normal()) if tasks else None
        self.norm = nn.LayerNorm(hidden_size, epsilon)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.LayerList(
            [TransformerLayer(hidden_size, heads, activation, dropout, epsilon) for _ in range(layers)]
        )
        self.pooler = linear(hidden_size, hidden_size)

    def forward(self, input_ids, token_type_ids, length):
        """Features of every token, [N, T, H]."""
        return self.states(input_ids, token_type_ids, length)[-1]

    def states(self, input_ids, token_type_ids, length):
        """Features of every token, [N, T, H], before the first layer and after each layer (list of Tensors)."""
        x, bias = self.embed(input_ids, token_type_ids, length)
        found = [x]
        for layer in self.layers:
            found.append(layer(found[-1], bias))
        return found

    def pooled(self, input_ids, token_type_ids, length):
        """The summary, [N, H]; the last layer is computed for the first token alone."""
        x, bias = self.embed(input_ids, token_type_ids, length)
        for layer in self.layers[:-1]:
            x = layer(x, bias)
        return self.summary(self.layers[-1](x, bias, 1), length)

    def embed(self, input_ids, token_type_ids, length):
        """The embeddings, [N, T, H], and the bias of the attention scores, [N, 1, 1, T], 0 or -10000."""
        if paddle.in_dynamic_mode() and input_ids.shape[1] > self.max_positions:
            raise ValueError(f"{input_ids.shape[1]} tokens are more than max_positions, {self.max_positions}")
        places = paddle.arange(paddle.shape(input_ids)[1]).astype("int64")
        x = self.embedding(input_ids) + self.positions(places) + self.segment_embedding(token_type_ids)
        if self.task_embedding is not None:
            x = x + self.task_embedding(paddle.zeros_like(input_ids))
        bias = (sequence_mask(length, input_ids) - 1).unsqueeze([1, 2]) * 1e4
        return self.dropout(self.norm(x)), bias

    def summary(self, sequence, length):
        """tanh of the pooler of the first token, [CLS]; [N, H]."""
        return paddle.tanh(self.pooler(sequence[:, 0]))

    def layers_above(self, name):
        """The number of layers above a parameter of this encoder: 1 for those of its last layer and its pooler."""
        if name.startswith("pooler."):
            return 1
        return len(self.layers) - int(name.split(".")[1]) if name.startswith("layers.") else len(self.layers) + 1

    def convert_weights(self, arrays):
        """Arrays of official or transformers files under the names of this kit, see `foreign/checkpoint_names.py`."""
        return our_names(arrays)


class BERT(TransformerEncoder):
    """BERT; the defaults are those of bert-base-uncased."""

    def __init__(
        self, vocab_size=30522, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=2,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, 0, activation, dropout, epsilon
        )


class ERNIE(TransformerEncoder):
    """ERNIE 1.0; the defaults are those of the Chinese base model."""

    def __init__(
        self, vocab_size=18000, hidden_size=768, layers=12, heads=12, max_positions=513, segments_known=2, tasks=0,
        activation="relu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class ERNIE2(TransformerEncoder):
    """ERNIE 2.0, with a task embedding; the defaults are those of the English base model."""

    def __init__(
        self, vocab_size=30522, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=4, tasks=16,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class ERNIETiny(TransformerEncoder):
    """ERNIE Tiny: three wide layers over longer subwords; the defaults are those of the published Chinese model."""

    def __init__(
        self, vocab_size=50006, hidden_size=1024, layers=3, heads=16, max_positions=600, segments_known=4, tasks=0,
        activation="relu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class TransformerLayer(nn.Layer):
    """Multi-head self-attention and a feed-forward network, each with a residual connection and layer normalization.

    Args:
        hidden_size (int): H.
        heads (int): A.
        activation (str): relu or gelu.
        dropout (float): dropout probability.
        epsilon (float): added to the variance in layer normalization.
    """

    def __init__(self, hidden_size, heads, activation, dropout, epsilon):
        super().__init__()
        self.heads, self.activation = heads, ACTIVATIONS[activation]
        self.query, self.key, self.value, self.output = (linear(hidden_size, hidden_size) for _ in range(4))
        self.attention = nn.Softmax()  # a layer, so that distillation can name its output, [N, A, T, T]
        self.attention_norm = nn.LayerNorm(hidden_size, epsilon)
        self.wide, self.narrow = linear(hidden_size, 4 * hidden_size), linear(4 * hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, bias, count=None):
        """Features of the first `count` tokens or of all, [N, count, H], of x [N, T, H].

        Args:
            x (Tensor): float32 [N, T, H].
            bias (Tensor): float32 [N, 1, 1, T], added to the attention scores.
            count (int | None): all when None.
        """
        rows = x if count is None else x[:, :count]
        x = self.attention_norm(rows + self.dropout(self.attend(rows, x, bias)))
        return self.norm(x + self.dropout(self.narrow(self.activation(self.wide(x)))))

    def attend(self, rows, x, bias):
        """softmax(q k / sqrt(H / A) + bias) v of every head, concatenated and projected; q of rows, k and v of x."""
        size = x.shape[2] // self.heads
        query, key, value = (
            product(of).reshape([0, 0, self.heads, size]).transpose([0, 2, 1, 3])
            for product, of in ((self.query, rows), (self.key, x), (self.value, x))
        )
        scores = paddle.matmul(query * size**-0.5, key, transpose_y=True) + bias
        weights = self.dropout(self.attention(scores))
        found = paddle.matmul(weights, value).transpose([0, 2, 1, 3]).reshape([0, 0, x.shape[2]])
        return self.output(found)


def linear(in_channels, out_channels):
    """A linear layer with the initial weights of the original models."""
    return nn.Linear(in_channels, out_channels, weight_attr=normal())


def normal():
    """A normal distribution of standard deviation 0.02, truncated at two standard deviations (ParamAttr)."""
    return paddle.ParamAttr(initializer=nn.initializer.TruncatedNormal(0.0, 0.02))
