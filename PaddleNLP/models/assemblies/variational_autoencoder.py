"""A variational autoencoder of sentences: an LSTM reads a sentence into a small random vector, another one writes it.

Bowman et al. 2016, https://arxiv.org/abs/1511.06349: the weight of the divergence from the prior rises (KL annealing,
section 3.1), and words that the decoder is given are left out (word dropout).

Shapes in this file:
    N sentences of S words (padded), U words that are written, V words of the vocabulary, D features, Z of the vector.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.data.transform import random_for
from common.layers.initializers import uniform
from common.layers.lstm import StackedLSTM

from .sequence_to_sequence import SequenceToSequence


class SentenceVAE(SequenceToSequence):
    """Writes a sentence again from the mean of its vector; trained on vectors that are drawn around the mean.

    Args:
        vocab_size (int): V.
        start (int): id of `start_word`, which is before the first word.
        end (int): id of `end_word`, which is behind the last word.
        unknown (int): id of the word that stands for the words that are left out.
        start_word (str): this token; the vocabulary is compared with both.
        end_word (str): this token.
        hidden_size (int): D, also of the vectors of words.
        latent_size (int): Z.
        layers (int): of the encoder and of the decoder.
        dropout (float): of the input and the output of each layer of the decoder.
        word_keep (float): probability that the decoder is given a word, in training.
        kl_start (float): weight of the divergence at the first update, which rises to 1.
        kl_steps (int): updates until the weight is 1.
        init (float): initial weights are uniform in [-init, init].
        search (TokenSearch | None): how sentences are written; null for a beam search of 4.
    """

    def __init__(
        self, vocab_size, start=1, end=2, unknown=0, start_word="<s>", end_word="</s>", hidden_size=256,
        latent_size=32, layers=1, dropout=0.5, word_keep=0.5, kl_start=0.1, kl_steps=13000, init=0.1, search=None,
    ):  # fmt: skip
        super().__init__(vocab_size, {start_word: start, end_word: end}, search)
        if not 0 < word_keep <= 1 or not 0 <= kl_start <= 1 or kl_steps < 1 or not 0 <= unknown < vocab_size:
            raise ValueError(
                f"word_keep is {word_keep}, kl_start {kl_start}, kl_steps {kl_steps}, unknown {unknown}; "
                f"allowed: above 0 to 1, 0 to 1, 1 or more, 0 to {vocab_size - 1}"
            )
        self.unknown, self.word_keep, self.kl_start, self.kl_steps = unknown, word_keep, kl_start, kl_steps
        self.steps = 0  # of the training so far
        self.latent_size, self.layers, state_size = latent_size, layers, 2 * layers * hidden_size
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=uniform(init))
        self.target_embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=uniform(init))
        self.encoder = StackedLSTM(hidden_size, hidden_size, layers, 0.0, init)
        self.mean, self.log_variance = (nn.Linear(state_size, latent_size, uniform(init)) for _ in range(2))
        self.to_state = nn.Linear(latent_size, state_size, uniform(init))
        self.decoder = StackedLSTM(hidden_size + latent_size, hidden_size, layers, dropout, init)
        self.output = nn.Linear(hidden_size, vocab_size, uniform(init), uniform(init))

    def posterior(self, input_ids, length):
        """Mean and logarithm of the variance, [N, Z] each, of the vector of sentences int64 [N, S] of int64 [N]."""
        state = self.encoder.zero_state(paddle.shape(input_ids)[0])
        _, state = self.encoder(self.embedding(input_ids), state, length)
        state = state.flatten(1)
        return self.mean(state), self.log_variance(state)

    def encode(self, input_ids, length):
        """The mean of the vector of each sentence, [N, Z]."""
        return self.posterior(input_ids, length)[0]

    def start_state(self, latent):
        """The state before the first word, [N, L, 2 D]."""
        return self.to_state(latent).reshape([0, self.layers, -1])

    def teach(self, given, memory):
        """Logits [N, U, V] behind each word of given int64 [N, U]; `memory` [N, Z] goes beside each word."""
        beside = memory.unsqueeze(1).expand([-1, given.shape[1], -1])
        x = paddle.concat([self.target_embedding(given), beside], -1)
        return self.output(self.decoder(x, self.start_state(memory))[0])

    def begin(self, memory, beams):
        """The step function and the state before the first word; the vector goes with its hypothesis."""

        def step(tokens, state):
            x = paddle.concat([self.target_embedding(tokens), state["latent"]], -1)
            features, after = self.decoder.step(x, state["lstm"])
            return self.output(features), {"lstm": after, "latent": state["latent"] + 0}

        return step, {"lstm": self.start_state(memory), "latent": memory}

    def loss(self, batch):
        """`loss_tokens`, the mean cross entropy of a word, and `loss_kl`, the weighted divergence for each word.

        Args:
            batch (dict): input_ids int64 [N, S], the end token last, length int64 [N].
        """
        words, length = batch["input_ids"], batch["length"]
        mean, log_variance = self.posterior(words, length)
        latent = mean + self.noise(words.shape) * paddle.exp(0.5 * log_variance)
        given = words
        if self.training and self.word_keep < 1:
            kept = paddle.rand(words.shape) < self.word_keep
            given = paddle.where(kept, words, paddle.full_like(words, self.unknown))
        given = paddle.concat([paddle.full_like(words[:, :1], self.start), given[:, :-1]], 1)
        there = (paddle.arange(words.shape[1]).unsqueeze(0) < length.unsqueeze(1)).astype("float32")
        losses = F.cross_entropy(self.teach(given, latent), words, reduction="none").reshape(words.shape)
        divergence = 0.5 * (mean * mean + paddle.exp(log_variance) - 1 - log_variance).sum()
        count = there.sum()
        weight = self.kl_weight()
        self.steps += self.training
        return {"loss_tokens": (losses * there).sum() / count, "loss_kl": weight * divergence / count}

    def noise(self, shape):
        """Normal numbers [N, Z] for words [N, S]; in evaluation the same ones whenever it is run."""
        if self.training:
            return paddle.randn([shape[0], self.latent_size])
        return paddle.to_tensor(random_for(*shape).standard_normal((shape[0], self.latent_size), "float32"))

    def kl_weight(self):
        """The weight of the divergence: from `kl_start` to 1 over `kl_steps` updates; 1 in evaluation."""
        done = min(1.0, self.steps / self.kl_steps) if self.training else 1.0
        return self.kl_start + (1 - self.kl_start) * done

    def training_state(self):
        """The updates so far, for checkpoints."""
        return {"steps": np.array(self.steps)}

    def load_training_state(self, arrays):
        """The inverse of training_state."""
        self.steps = int(arrays.get("steps", 0))
