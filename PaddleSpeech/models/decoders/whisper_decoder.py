"""The decoder of Whisper (https://arxiv.org/abs/2212.04356, section 2.2): writes a text token by token.

Shapes in this file:
    N recordings of S encoded steps, U tokens, V tokens of the vocabulary, H features, L blocks.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.attention import PreNormBlock, causal_bias
from common.layers.decoding import greedy

NEVER = -1e9  # logit of a token that is not written


class WhisperDecoder(nn.Layer):
    """Transformer blocks over learned positions; the logits are products with the embeddings of the tokens.

    Args:
        hidden_size (int): H, given by the encoder.
        vocab_size (int): V.
        layers (int): L.
        heads (int): heads of each attention.
        max_positions (int): tokens with the prompt at most.
        prompt (list[int]): tokens that every text begins with, not a part of it.
        end (int): the token that ends a text.
        max_tokens (int): tokens of a text at most.
        suppress (list[int]): tokens that are never written.
        suppress_first (list[int]): tokens that no text begins with.
        suppress_from (int): this token and those behind it, such as time stamps, are never written; null for none.
        no_speech (int): the token whose probability after the first one says that nobody speaks; null for none.
    """

    def __init__(
        self, hidden_size, vocab_size=51864, layers=4, heads=6, max_positions=448, prompt=(50257, 50362), end=50256,
        max_tokens=224, suppress=(), suppress_first=(), suppress_from=None, no_speech=None,
    ):  # fmt: skip
        super().__init__()
        named = [*prompt, end, *suppress, *suppress_first, suppress_from or 0, no_speech or 0]
        if not prompt or not all(0 <= token < vocab_size for token in named):
            raise ValueError(f"prompt has a token at least, and all tokens are 0 to {vocab_size - 1}")
        if not 1 < max_tokens <= max_positions - len(prompt):
            raise ValueError(f"max_tokens is {max_tokens}; allowed: 2 to {max_positions - len(prompt)}")
        self.vocab_size, self.max_positions, self.max_tokens = vocab_size, max_positions, max_tokens
        self.prompt, self.end, self.no_speech = list(prompt), end, no_speech
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.positions = nn.Embedding(max_positions, hidden_size)
        self.layers = nn.LayerList([PreNormBlock(hidden_size, heads, crosses=True) for _ in range(layers)])
        self.norm = nn.LayerNorm(hidden_size)
        never = [0.0] * vocab_size
        for token in [*suppress, *range(suppress_from or vocab_size, vocab_size)]:
            never[token] = NEVER
        first = list(never)
        for token in suppress_first:
            first[token] = NEVER
        self.register_buffer("never", paddle.to_tensor(never), persistable=False)
        self.register_buffer("never_first", paddle.to_tensor(first), persistable=False)

    def remember(self, features):
        """Keys and values of every block of encoded recordings [N, S, H]: list of (Tensor, Tensor)."""
        return [layer.remember(features) for layer in self.layers]

    def forward(self, tokens, memory, places, bias=None, past=None):
        """The logits of the next token after each token.

        Args:
            tokens (Tensor): int64 [N, U].
            memory (list): see :meth:`remember`.
            places (Tensor): int64 [U] or [N, U], the positions of the tokens.
            bias (Tensor | None): [U, U], which tokens see which, see :func:`causal_bias`.
            past (list | None): keys and values of every block of the tokens before.

        Returns:
            tuple[Tensor, list]: [N, U, V], and keys and values of every block.
        """
        x, kept = self.embedding(tokens) + self.positions(places), []
        for number, (layer, own) in enumerate(zip(self.layers, memory)):
            x, cache = layer(x, bias, None if past is None else past[number], own)
            kept.append(cache)
        return paddle.matmul(self.norm(x), self.embedding.weight, transpose_y=True), kept

    def write(self, features):
        """The texts of encoded recordings, the most probable token at each step.

        Args:
            features (Tensor): [N, S, H].

        Returns:
            tuple: tokens int64 [N, max_tokens], the end repeated behind a text; the geometric mean of the
                probabilities of the tokens and the end, float32 [N]; the probability that nobody speaks, float32 [N].
        """
        memory, count = self.remember(features), len(self.prompt)
        same = paddle.zeros_like(features[:, 0, 0]).astype("int64")  # [N]
        prompt = same.unsqueeze(1) + paddle.to_tensor(self.prompt, "int64")
        logits, past = self(prompt, memory, paddle.arange(count), causal_bias(count))
        silence = F.softmax(logits[:, 0])[:, self.no_speech] if self.no_speech is not None else same.astype("float32")
        begin = F.softmax(logits[:, -1] + self.never_first)
        first = paddle.argmax(begin, axis=-1)
        chance = paddle.take_along_axis(begin, first.unsqueeze(1), 1).squeeze(1)

        def step(tokens, state):
            places = state["place"].unsqueeze(1)
            logits, kept = self(tokens.unsqueeze(1), memory, places, None, state["past"])
            return logits[:, 0] + self.never, {"place": state["place"] + 1, "past": kept}

        found = greedy(step, {"place": same + count, "past": past}, first, self.end, self.max_tokens - 1)
        total = found.scores[:, 0] + paddle.log(chance)
        score = (total / (found.lengths[:, 0] + 1).astype("float32")).exp()
        return paddle.concat([first.unsqueeze(1), found.tokens[:, 0]], 1), score, silence

    def loss(self, features, labels, label_length):
        """`loss_tokens`, the mean cross entropy of the tokens and the end of texts, each given those before it.

        Args:
            features (Tensor): [N, S, H].
            labels (Tensor): int [N, U]; padding has any value.
            label_length (Tensor): int64 [N].
        """
        count, size = len(self.prompt), labels.shape[1]
        there = paddle.arange(size).unsqueeze(0) < label_length.unsqueeze(1)
        text = paddle.where(there, labels.astype("int64"), paddle.full_like(labels, self.end, "int64"))
        begin = paddle.to_tensor([self.prompt], "int64").tile([labels.shape[0], 1])
        given = paddle.concat([begin, text], 1)
        wanted = paddle.concat([text, paddle.full_like(text[:, :1], self.end)], 1)
        logits, _ = self(given, self.remember(features), paddle.arange(count + size), causal_bias(count + size))
        losses = F.cross_entropy(logits[:, count - 1 :], wanted, reduction="none").reshape(wanted.shape)
        counted = (paddle.arange(size + 1).unsqueeze(0) <= label_length.unsqueeze(1)).astype(losses.dtype)
        return {"loss_tokens": (losses * counted).sum() / counted.sum()}
