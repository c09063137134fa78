"""The Transformer that translates (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762), with normalization before
each part as in its later implementation (tensor2tensor).

Shapes in this file:
    N texts of S tokens (padded), U tokens that are written, V tokens of the vocabulary, H features, K hypotheses.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.attention import HIDDEN, PreNormBlock, causal_bias, sinusoids
from common.layers.initializers import normal
from common.layers.masks import sequence_mask

from .sequence_to_sequence import SequenceToSequence


class TranslationTransformer(SequenceToSequence):
    """Encoder and decoder of pre-norm blocks over sinusoidal positions; projections of the attention have no bias.

    Args:
        vocab_size (int): V, of both languages together.
        start (int): id of `start_word`, which is before the first token of a translation.
        end (int): id of `end_word`, which is behind the last token of both texts.
        start_word (str): this token; the vocabulary is compared with both.
        end_word (str): this token.
        hidden_size (int): H.
        inner_size (int): features within the feed-forward parts.
        layers (int): blocks of the encoder, and of the decoder.
        heads (int): of each attention.
        max_positions (int): tokens of the longest text.
        shared (bool): one embedding for both texts, whose transpose gives the logits; false for three matrices.
        dropout (float): of embeddings, residuals, attention weights and feed-forward parts.
        label_smoothing (float): probability that is spread over the vocabulary in training.
        search (TokenSearch | None): how translations are written; null for a beam search of 4.
    """

    def __init__(
        self, vocab_size, start=0, end=1, start_word="<s>", end_word="</s>", hidden_size=512, inner_size=2048,
        layers=6, heads=8, max_positions=257, shared=True, dropout=0.1, label_smoothing=0.1, search=None,
    ):  # fmt: skip
        super().__init__(vocab_size, {start_word: start, end_word: end}, search, label_smoothing)
        if self.search.max_length > max_positions:
            raise ValueError(f"search.max_length is {self.search.max_length}, above max_positions {max_positions}")
        self.max_positions, self.hidden_size, self.dropout = max_positions, hidden_size, dropout
        self.embedding = self.embed_with(vocab_size)
        self.target_embedding = None if shared else self.embed_with(vocab_size)
        self.output = None if shared else nn.Linear(hidden_size, vocab_size, bias_attr=False)
        given = {"inner_size": inner_size, "activation": "relu", "biased": (), "dropout": dropout}
        self.encoder = nn.LayerList([PreNormBlock(hidden_size, heads, **given) for _ in range(layers)])
        self.encoder_norm = nn.LayerNorm(hidden_size)
        self.decoder = nn.LayerList([PreNormBlock(hidden_size, heads, True, **given) for _ in range(layers)])
        self.decoder_norm = nn.LayerNorm(hidden_size)
        table = paddle.to_tensor(sinusoids(max_positions, hidden_size))
        self.register_buffer("positions", table, persistable=False)

    def embed_with(self, vocab_size):
        """An embedding whose rows have a length of 1 on average."""
        return nn.Embedding(vocab_size, self.hidden_size, weight_attr=normal(self.hidden_size**-0.5))

    def embed(self, tokens, places, embedding=None):
        """Features [N, T, H] of tokens int64 [N, T] at places int64 [T] or [N, T]."""
        x = (embedding or self.embedding)(tokens) * self.hidden_size**0.5
        x = x + F.embedding(places, self.positions)
        return F.dropout(x, self.dropout, training=self.training) if self.dropout else x

    def encode(self, input_ids, length):
        """(keys and values of every block of the decoder, the scores to add to those of padding [N, 1, 1, S])."""
        size = paddle.shape(input_ids)[1]
        if paddle.in_dynamic_mode() and input_ids.shape[1] > self.max_positions:
            raise ValueError(f"{input_ids.shape[1]} tokens are more than max_positions, {self.max_positions}")
        x, bias = self.embed(input_ids, paddle.arange(size)), (1 - sequence_mask(length, input_ids)) * HIDDEN
        bias = bias.unsqueeze([1, 2])
        for block in self.encoder:
            x, _ = block(x, bias)
        x = self.encoder_norm(x)
        return [block.remember(x) for block in self.decoder], bias

    def decode(self, tokens, places, memory, bias=None, past=None, beams=1):
        """Features [N, T, H] behind tokens int64 [N, T], and keys and values of every block; see PreNormBlock."""
        x, kept, (known, known_bias) = self.embed(tokens, places, self.target_embedding), [], memory
        for number, (block, own) in enumerate(zip(self.decoder, known)):
            x, cache = block(x, bias, past and past[number], own, known_bias, beams)
            kept.append(cache)
        return self.decoder_norm(x), kept

    def logits(self, x):
        """Logits [N, T, V] of features [N, T, H]."""
        return self.output(x) if self.output else paddle.matmul(x, self.embedding.weight, transpose_y=True)

    def teach(self, given, memory):
        """Logits [N, U, V] behind each token of given int64 [N, U]."""
        size = given.shape[1]
        return self.logits(self.decode(given, paddle.arange(size), memory, causal_bias(size))[0])

    def begin(self, memory, beams):
        """The step function and the state before the first token: place 0, and the keys and values of a step that none
        sees, as oneDNN has no empty tensors."""
        nobody = paddle.zeros_like(memory[1][:, 0, 0, 0]).astype("int64")  # [N]

        def step(tokens, state):
            size = paddle.shape(state["past"][0][0])[2] + 1
            first = (paddle.arange(size) == 0).astype("float32") * HIDDEN
            x, past = self.decode(tokens.unsqueeze(1), state["place"].unsqueeze(1), memory, first, state["past"], beams)
            return self.logits(x)[:, 0], {"place": state["place"] + 1, "past": past}

        past = [tuple(paddle.zeros_like(part[:, :, :1]) for part in pair) for pair in memory[0]]
        return step, {"place": nobody, "past": past}
