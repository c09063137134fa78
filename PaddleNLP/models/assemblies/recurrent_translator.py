"""LSTM layers that read a text and LSTM layers that write another one, with and without attention.

Sutskever et al. 2014, https://arxiv.org/abs/1409.3215; attention and input feeding as in Luong et al. 2015
(https://arxiv.org/abs/1508.04025, sections 3.1, dot, and 3.3), with keys that are values, too.

Shapes in this file:
    N texts of S tokens (padded), U tokens that are written, V tokens of the vocabulary that is written in, D features,
    L layers, K hypotheses.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.lstm import StackedLSTM
from common.layers.masks import sequence_mask

from .sequence_to_sequence import SequenceToSequence

HIDDEN = -1e9  # the score of a step that is padding


class RecurrentTranslator(SequenceToSequence):
    """The state behind the last token of a text is the one before the first token that is written.

    Args:
        vocab_size (int): words of the texts that are read.
        target_vocab_size (int | None): V; null for the same number.
        start (int): id of `start_word`, which is before the first token that is written, in both vocabularies.
        end (int): id of `end_word`, which is behind the last token of both texts, in both vocabularies.
        start_word (str): this token; the vocabulary is compared with both.
        end_word (str): this token.
        hidden_size (int): D, also of the vectors of words.
        layers (int): L, of the encoder and of the decoder.
        attention (bool): looks at all tokens of the text at each step.
        dropout (float): of the input of each layer, and of the output of the last one.
        init (float): initial weights are uniform in [-init, init].
        label_smoothing (float): probability that is spread over the vocabulary in training.
        search (TokenSearch | None): how texts are written; null for a beam search of 4.
    """

    def __init__(
        self, vocab_size, target_vocab_size=None, start=1, end=2, start_word="<s>", end_word="</s>", hidden_size=512,
        layers=2, attention=True, dropout=0.2, init=0.1, label_smoothing=0.0, search=None,
    ):  # fmt: skip
        super().__init__(vocab_size, {start_word: start, end_word: end}, search, label_smoothing)
        written = target_vocab_size or vocab_size
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=uniform(init))
        self.target_embedding = nn.Embedding(written, hidden_size, weight_attr=uniform(init))
        self.encoder = StackedLSTM(hidden_size, hidden_size, layers, dropout, init)
        self.decoder = StackedLSTM((1 + attention) * hidden_size, hidden_size, layers, dropout, init)
        self.output = nn.Linear(hidden_size, written, uniform(init), bias_attr=False)
        self.keys = self.mix = None
        if attention:
            self.keys = nn.Linear(hidden_size, hidden_size, uniform(init), bias_attr=False)
            self.mix = nn.Linear(2 * hidden_size, hidden_size, uniform(init), bias_attr=False)

    def encode(self, input_ids, length):
        """The state behind each text [N, L, 2 D]; with attention keys [N, S, D], and scores of padding [N, 1, S]."""
        state = self.encoder.zero_state(paddle.shape(input_ids)[0])
        features, state = self.encoder(self.embedding(input_ids), state, length)
        if self.keys is None:
            return (state,)
        return state, self.keys(features), ((1 - sequence_mask(length, input_ids)) * HIDDEN).unsqueeze(1)

    def attend(self, x, keys, bias):
        """tanh of a mixture of x [N, T, D] and of the tokens of the texts that are most like it, [N, T, D]."""
        weights = F.softmax(paddle.matmul(x, keys, transpose_y=True) + bias)
        return paddle.tanh(self.mix(paddle.concat([paddle.matmul(weights, keys), x], -1)))

    def advance(self, words, state, memory, beams=1):
        """One step of the decoder with attention.

        Args:
            words (Tensor): [N*K, D], vectors of the tokens before.
            state (dict): `lstm` [N*K, L, 2 D], `fed` [N*K, D], what the step before gave.
            memory (tuple): see :meth:`encode`.
            beams (int): K.

        Returns:
            dict: the state after the step; of its `fed` the logits are made.
        """
        x, after = self.decoder.step(paddle.concat([words, state["fed"]], -1), state["lstm"])
        size = x.shape[1]
        fed = self.attend(x.reshape([-1, beams, size]), *memory[1:]).reshape([-1, size])
        return {"lstm": after, "fed": fed}

    def start_state(self, memory):
        """The state before the first token."""
        if self.keys is None:
            return {"lstm": memory[0]}
        return {"lstm": memory[0], "fed": paddle.zeros_like(memory[1][:, 0])}

    def teach(self, given, memory):
        """Logits [N, U, V] behind each token of given int64 [N, U]."""
        words, state = self.target_embedding(given), self.start_state(memory)
        if self.keys is None:
            return self.output(self.decoder(words, state["lstm"])[0])
        found = []
        for step in paddle.unbind(words, 1):
            state = self.advance(step, state, memory)
            found.append(state["fed"])
        return self.output(paddle.stack(found, 1))

    def begin(self, memory, beams):
        """The step function and the state before the first token."""

        def step(tokens, state):
            words = self.target_embedding(tokens)
            if self.keys is None:
                x, after = self.decoder.step(words, state["lstm"])
                return self.output(x), {"lstm": after}
            state = self.advance(words, state, memory, beams)
            return self.output(state["fed"]), state

        return step, self.start_state(memory)
