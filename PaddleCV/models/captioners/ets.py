"""Description of videos by temporal attention ("Describing Videos by Exploiting Temporal Structure",
https://arxiv.org/abs/1502.08029, section 3.2), with GRUs in both directions as encoder and one that writes.

The paper's score of a frame is w tanh(W s + U h). The original kit leaves the tanh out, so that the state s adds the
same to all frames and the attention never moves; it is here, and has no weights.

Shapes in this file:
    N videos of T frames (padded) of I features, E embedded, D of a state of the encoder, H of the decoder, W of a word,
    V words, U words that are written, K hypotheses.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.decoding import repeat_beams
from common.layers.masks import sequence_mask
from common.layers.recurrent import GRU, GRUWeights
from common.layers.sequence_writer import SequenceWriter

NEVER = 1e9


class ETS(SequenceWriter):
    """Encodes the features of an event and writes a sentence about it, looking at other frames for every word.

    Args:
        vocab_size (int): V.
        features (int): I.
        embedding_size (int): E.
        encoder_size (int): D, of each direction.
        decoder_size (int): H.
        word_size (int): W.
        dropout (float): of what the encoder reads and of what the words are chosen from.
        start (list): the token before the first word and its id, such as [<s>, 0].
        end (list): the token behind the last word and its id.
        search (TokenSearch | None): how sentences are written; null for a beam search of 4.
    """

    task = "Caption"

    def __init__(
        self, vocab_size, features=2048, embedding_size=1024, encoder_size=512, decoder_size=512, word_size=512,
        dropout=0.0, start=("<s>", 0), end=("<e>", 1), search=None,
    ):  # fmt: skip
        super().__init__(vocab_size, dict([tuple(start), tuple(end)]), search)
        self.embed = nn.Linear(features, embedding_size)
        self.encoder = GRU(embedding_size, encoder_size, init=paddle.ParamAttr(), project_bias=False)
        self.summary = nn.Linear(2 * encoder_size, 1, bias_attr=False)
        self.boot = nn.Linear(2 * encoder_size, decoder_size, bias_attr=False)
        self.keys = nn.Linear(2 * encoder_size, decoder_size, bias_attr=False)
        self.query = nn.Linear(decoder_size, decoder_size, bias_attr=False)
        self.energy = nn.Linear(decoder_size, 1, bias_attr=False)
        self.words = nn.Embedding(vocab_size, word_size)
        self.enter = nn.Linear(word_size + 2 * encoder_size, 3 * decoder_size, bias_attr=False)
        self.cell = GRUWeights(decoder_size, paddle.ParamAttr())
        self.output = nn.Linear(decoder_size, vocab_size)
        self.dropout = nn.Dropout(dropout)
        self.inputs = {"features": ([None, None, features], "float32"), "length": ([None], "int64")}

    def predict(self, features, length):
        """Logits [N, V] of the first word."""
        return self.first_logits(self.encode(features, length), length)

    def forward(self, features, length):
        """Writes a sentence for each event.

        Args:
            features (Tensor): float32 [N, T, I].
            length (Tensor): int64 [N], from 1 to T.

        Returns:
            tuple[Tensor, Tensor, Tensor]: see :meth:`SequenceWriter.write`.
        """
        return self.write(self.encode(features, length))

    def encode(self, features, length):
        """Frames [N, T, 2 D], their keys [N, T, H], the mask [N, T], and the state before the first word [N, H]."""
        mask = sequence_mask(length, features)
        frames, _ = self.encoder(self.dropout(paddle.tanh(self.embed(features))), length, mask)
        state = paddle.tanh(self.boot(attend(self.summary(frames), frames, mask)))
        return frames, self.keys(frames), mask, state

    def advance(self, words, state, frames, keys, mask):
        """The state [N, H] behind a word, of vectors of words [N, W], the state before it and what was encoded."""
        energy = self.energy(paddle.tanh(keys + self.query(state).unsqueeze(1)))
        seen = attend(energy, frames, mask)
        return self.cell.step(self.enter(paddle.concat([words, seen], 1)), state)

    def teach(self, given, memory):
        """Logits [N, U, V] behind each word of given int64 [N, U]."""
        *kept, state = memory
        states = []
        for word in paddle.unbind(self.words(given), 1):
            state = self.advance(word, state, *kept)
            states.append(state)
        return self.output(self.dropout(paddle.stack(states, 1)))

    def begin(self, memory, beams):
        """The step function and the state before the first word."""
        *kept, state = memory
        kept = [repeat_beams(x, beams) for x in kept]

        def step(tokens, state):
            state = self.advance(self.words(tokens), state["gru"], *kept)
            return self.output(state), {"gru": state}

        return step, {"gru": state}


def attend(energy, frames, mask):
    """The mean [N, 2 D] of frames [N, T, 2 D] by the softmax over T of energy [N, T, 1]; padding has no weight."""
    weights = F.softmax(energy.squeeze(2) + (mask - 1) * NEVER, axis=1)
    return (frames * weights.unsqueeze(2)).sum(1)
