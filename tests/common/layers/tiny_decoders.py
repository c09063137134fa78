"""Tiny models that generate sequences, and searches in plain Python to compare with.

Shapes in this file:
    B inputs of S tokens, N hypotheses, V tokens of the vocabulary, T steps at most, D features.
"""

import functools

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.decoding import log_probabilities, repeat_beams

START, END, V, T, D = 0, 1, 4, 4, 8


class Generator(nn.Layer):
    """What all have: a sum of the embedded input to start from, and a way to search."""

    task, outputs = "Tensors", ["tokens", "lengths", "scores"]
    inputs = {"source": ([None, None], "int64")}

    def __init__(self, search, beams=1, size=V):
        super().__init__()
        self.search, self.beams = search, beams
        self.embedding = nn.Embedding(16, D)
        self.output = nn.Linear(D, size)

    def forward(self, source):
        """The sequences that the search finds."""
        return tuple(self.search(*self.begin(source)))


class GruDecoder(Generator):
    """The state is a hidden state, [N, D]."""

    def __init__(self, search, beams=1):
        super().__init__(search, beams)
        self.cell = nn.GRUCell(D, D)

    def begin(self, source):
        """The step, and the first state: a sum, a part of which is the same for all rows."""
        return self.step, {"hidden": [self.output.weight[:, 0] * 0.1 + self.embedding(source).sum(1)]}

    def step(self, tokens, state):
        """Logits [N, V] and the next state."""
        _, hidden = self.cell(self.embedding(tokens), state["hidden"][0])
        return 4 * self.output(hidden), {"hidden": [hidden]}


class Transformer(Generator):
    """A layer of attention to the tokens before and one to the input; the keys and values are cached, [N, t, D].

    The input, which is the same for all beams of a row, is held and not part of the state.
    """

    def __init__(self, search, beams=1):
        super().__init__(search, beams)
        self.positions = nn.Embedding(T, D)
        self.query, self.key, self.value, self.across = (nn.Linear(D, D) for _ in range(4))

    def begin(self, source):
        """The step on this input, and the first state: no keys, no values, position 0."""
        nothing = paddle.zeros([paddle.shape(source)[0], 0, D])
        return self.step_on(source), {"cache": (nothing, nothing), "position": paddle.zeros_like(source[:, 0])}

    def step_on(self, source):
        """The step that holds the input, [N, S, D]."""
        return functools.partial(self.step, repeat_beams(self.embedding(source), self.beams))

    def attend(self, query, keys, values):
        """Attention of queries [N, q, D]."""
        weights = F.softmax(paddle.matmul(query, keys, transpose_y=True) / D**0.5, axis=-1)
        return paddle.matmul(weights, values)

    def step(self, memory, tokens, state):
        """Logits [N, V] and the next state."""
        here = (self.embedding(tokens) + self.positions(state["position"])).unsqueeze(1)  # [N, 1, D]
        keys, values = (
            paddle.concat([before, layer(here)], axis=1)
            for before, layer in zip(state["cache"], (self.key, self.value))
        )
        hidden = here + self.attend(self.query(here), keys, values)
        hidden = hidden + self.attend(self.across(hidden), memory, memory)
        return 4 * self.output(hidden.squeeze(1)), {"cache": (keys, values), "position": state["position"] + 1}


class RecomputingTransformer(Transformer):
    """The same without a cache: the state is the tokens so far, [N, t], and every step begins anew."""

    def begin(self, source):
        """The step on this input, and the first state: no token."""
        return self.step_on(source), [paddle.zeros([paddle.shape(source)[0], 0], "int64")]

    def step(self, memory, tokens, state):
        """Logits [N, V] and the next state."""
        tokens = paddle.concat([state[0], tokens.unsqueeze(1)], axis=1)
        here = self.embedding(tokens) + self.positions(paddle.arange(paddle.shape(tokens)[1]))  # [N, t, D]
        hidden = here[:, -1:] + self.attend(self.query(here[:, -1:]), self.key(here), self.value(here))
        hidden = hidden + self.attend(self.across(hidden), memory, memory)
        return 4 * self.output(hidden.squeeze(1)), [tokens]


class Markov(Generator):
    """The next token depends on the last one alone.

    Args:
        search (callable): given step and state.
        table (ndarray): [V, V], log-probabilities of the next token.
    """

    def __init__(self, search, table):
        super().__init__(search)
        self.table = self.create_parameter(table.shape)
        self.table.set_value(table.astype("float32"))

    def begin(self, source):
        """The step, and a state that says nothing."""
        return self.step, [paddle.zeros_like(source[:, :1])]

    def step(self, tokens, state):
        """Log-probabilities [N, V] and the state."""
        return F.embedding(tokens, self.table), state


def made(kind, *arguments):
    """A model of random weights, the same each time, in evaluation mode."""
    paddle.seed(3)
    model = kind(*arguments)
    model.eval()
    return model


def answer(model, source):
    """What the model in memory gives, arrays by name."""
    with paddle.no_grad():
        return {k: v.numpy() for k, v in zip(model.outputs, model(paddle.to_tensor(source)), strict=True)}


def reader(model, row):
    """A function that gives log p(next token | tokens) [V] for an input row int64 [S], each computed once."""
    with paddle.no_grad():
        step, first = model.begin(paddle.to_tensor(row[None]))

    @functools.cache
    def after(tokens):
        last, state = (tokens[-1], after(tokens[:-1])[1]) if tokens else (START, first)
        with paddle.no_grad():
            logits, state = step(paddle.to_tensor([last]), state)
        return log_probabilities(logits).numpy()[0], state

    return lambda tokens: after(tokens)[0]


def ranked(found, alpha):
    """(tokens, score) of [(log-probability, tokens)], best first, of equal ones as `beam_search` says."""
    scored = [(total / ((5 + len(tokens)) / 6) ** alpha, tokens) for total, tokens in found]
    return sorted(scored, key=lambda item: (-round(item[0], 9), len(item[1]), item[1][-1] != END, item[1]))


def brute_force(read, longest=T, alpha=0.0, shortest=1):
    """Every sequence that may be generated, as (score, tokens), best first."""
    found, open_ones = [], [(0.0, ())]
    for length in range(1, longest + 1):
        longer = [(total + p, (*tokens, v)) for total, tokens in open_ones for v, p in enumerate(read(tokens))]
        found += [item for item in longer if item[1][-1] == END and length >= shortest]
        open_ones = [item for item in longer if item[1][-1] != END]
    return ranked(found + open_ones, alpha)


def plain_beam_search(read, beams, longest=T, alpha=0.0, shortest=1):
    """`beam_search` of one row in plain Python: (score, tokens), best first."""
    found, open_ones = [], [(0.0, ())]
    for length in range(1, longest + 1):
        longer = [(total + p, (*tokens, v)) for total, tokens in open_ones for v, p in enumerate(read(tokens))]
        longer = sorted(longer, key=lambda item: (-round(item[0], 9), item[1]))
        longer = [item for item in longer if item[1][-1] != END or length >= shortest]
        found += [item for item in longer[:beams] if item[1][-1] == END]
        if len(found) >= beams:
            return ranked(found, alpha)[:beams]
        open_ones = [item for item in longer if item[1][-1] != END][:beams]
    return ranked(found + open_ones, alpha)[:beams]


def listed(outputs, row):
    """(scores [n], tokens [n]) of a row of the outputs of a model, tokens as tuples of their lengths."""
    lengths = outputs["lengths"][row]
    return outputs["scores"][row], [tuple(t[:n]) for t, n in zip(outputs["tokens"][row].tolist(), lengths)]


def assert_same(outputs, row, expected):
    """The row's sequences are the expected (score, tokens), in their order, and the end token fills the rest."""
    scores, tokens = listed(outputs, row)
    assert tokens == [item[1] for item in expected]
    np.testing.assert_allclose(scores, [item[0] for item in expected], rtol=1e-5, atol=1e-5)
    rest = [t[n:] for t, n in zip(outputs["tokens"][row], outputs["lengths"][row])]
    assert all((t == END).all() for t in rest)
