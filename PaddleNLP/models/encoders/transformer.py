"""The encoder of BERT (https://arxiv.org/abs/1810.04805) and of ERNIE 1.0 and 2.0 (https://arxiv.org/abs/1904.09223,
https://arxiv.org/abs/1907.12412): that of Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762, section 3.1), which
normalises after every sum.

Shapes in this file:
    N texts of T pieces (padded), V pieces known, H features, A heads of H / A features.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import mask_of

from ..checkpoint_names import our_names

ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}


class TransformerEncoder(nn.Layer):
    """Embeddings of pieces, places and segments (and of a task), layers of attention, and a pooler.

    Args:
        vocab_size (int): V.
        hidden_size (int): H.
        layers (int): layers of attention.
        heads (int): A.
        max_positions (int): the longest text in pieces.
        segments_known (int): rows of the segment embedding.
        tasks (int): rows of the task embedding of ERNIE 2.0; 0 has none.
        activation (str): relu or gelu, between the two products of a layer, whose inner size is 4 H.
        dropout (float): share of features and of attention that is dropped in training.
        epsilon (float): added to the variance where features are normalised.
    """

    segments = True

    def __init__(
        self, vocab_size, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=2, tasks=0,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__()
        if hidden_size % heads:
            raise ValueError(f"{type(self).__name__}: hidden_size {hidden_size} is no multiple of heads {heads}")
        if activation not in ACTIVATIONS:
            raise ValueError(f"{type(self).__name__}: activation is {activation!r}; it is relu or gelu")
        self.vocab_size, self.max_positions = vocab_size, max_positions
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
        """Features of every piece, [N, T, H]."""
        if paddle.in_dynamic_mode() and input_ids.shape[1] > self.max_positions:
            raise ValueError(f"{input_ids.shape[1]} pieces are more than the {self.max_positions} positions there are")
        places = paddle.arange(paddle.shape(input_ids)[1]).astype("int64")
        x = self.embedding(input_ids) + self.positions(places) + self.segment_embedding(token_type_ids)
        if self.task_embedding is not None:
            x = x + self.task_embedding(paddle.zeros_like(input_ids))
        x = self.dropout(self.norm(x))
        unseen = (mask_of(length, input_ids) - 1).unsqueeze([1, 2]) * 1e4  # [N, 1, 1, T], 0 or -10000
        for layer in self.layers:
            x = layer(x, unseen)
        return x

    def summary(self, sequence, length):
        """tanh of the pooler of the first piece, [CLS]; [N, H]."""
        return paddle.tanh(self.pooler(sequence[:, 0]))

    def layers_above(self, name):
        """How many layers stand above a parameter of this encoder: 1 for those of its last layer and its pooler."""
        if name.startswith("pooler."):
            return 1
        return len(self.layers) - int(name.split(".")[1]) if name.startswith("layers.") else len(self.layers) + 1

    def convert_weights(self, arrays):
        """Arrays of the official files or of transformers under our names, see `checkpoint_names.py`."""
        return our_names(arrays)


class BERT(TransformerEncoder):
    """BERT; the defaults are those of the base model in English, lower case."""

    def __init__(
        self, vocab_size=30522, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=2,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, 0, activation, dropout, epsilon
        )


class ERNIE(TransformerEncoder):
    """ERNIE 1.0; the defaults are those of the base model in Chinese."""

    def __init__(
        self, vocab_size=18000, hidden_size=768, layers=12, heads=12, max_positions=513, segments_known=2, tasks=0,
        activation="relu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class ERNIE2(TransformerEncoder):
    """ERNIE 2.0, with an embedding of the task; the defaults are those of the base model in English."""

    def __init__(
        self, vocab_size=30522, hidden_size=768, layers=12, heads=12, max_positions=512, segments_known=4, tasks=16,
        activation="gelu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class ERNIETiny(TransformerEncoder):
    """ERNIE Tiny: three wide layers over longer pieces; the defaults are those of the published Chinese model."""

    def __init__(
        self, vocab_size=50006, hidden_size=1024, layers=3, heads=16, max_positions=600, segments_known=4, tasks=0,
        activation="relu", dropout=0.1, epsilon=1e-5,
    ):  # fmt: skip
        super().__init__(
            vocab_size, hidden_size, layers, heads, max_positions, segments_known, tasks, activation, dropout, epsilon
        )


class TransformerLayer(nn.Layer):
    """Attention and two products, each added to what came in, and normalised.

    Args:
        hidden_size (int): H.
        heads (int): A.
        activation (str): relu or gelu.
        dropout (float): share that is dropped in training.
        epsilon (float): added to the variance where features are normalised.
    """

    def __init__(self, hidden_size, heads, activation, dropout, epsilon):
        super().__init__()
        self.heads, self.activation = heads, ACTIVATIONS[activation]
        self.query, self.key, self.value, self.output = (linear(hidden_size, hidden_size) for _ in range(4))
        self.attention_norm = nn.LayerNorm(hidden_size, epsilon)
        self.wide, self.narrow = linear(hidden_size, 4 * hidden_size), linear(4 * hidden_size, hidden_size)
        self.norm = nn.LayerNorm(hidden_size, epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, unseen):
        """[N, T, H] of x [N, T, H]; unseen [N, 1, 1, T] is added to the scores of what is attended to."""
        x = self.attention_norm(x + self.dropout(self.attend(x, unseen)))
        return self.norm(x + self.dropout(self.narrow(self.activation(self.wide(x)))))

    def attend(self, x, unseen):
        """softmax(q k / sqrt(H / A) + unseen) v of every head, side by side, through a last product."""
        size = x.shape[2] // self.heads
        query, key, value = (
            product(x).reshape([0, 0, self.heads, size]).transpose([0, 2, 1, 3])
            for product in (self.query, self.key, self.value)
        )
        scores = paddle.matmul(query * size**-0.5, key, transpose_y=True) + unseen
        weights = self.dropout(F.softmax(scores))
        found = paddle.matmul(weights, value).transpose([0, 2, 1, 3]).reshape([0, 0, x.shape[2]])
        return self.output(found)


def linear(in_channels, out_channels):
    """A product whose first weights are drawn as the originals' are."""
    return nn.Linear(in_channels, out_channels, weight_attr=normal())


def normal():
    """First weights from a normal distribution of deviation 0.02, cut at two deviations."""
    return paddle.ParamAttr(initializer=nn.initializer.TruncatedNormal(0.0, 0.02))
