"""Replies that are written from what was said and from facts that are known (DuConv, Wu et al. 2019,
https://arxiv.org/abs/1906.05572, section 4.3): GRU layers with attention, a prior and a posterior choice of facts, and
a decoder of two GRU cells whose states are fused by a gate (hierarchical gated fusion, section 4.3.3).

Shapes in this file:
    N dialogues of S tokens (padded), F facts of W tokens, U tokens that are written, V tokens of the vocabulary,
    E features of a token, H features of a state, K hypotheses.
"""

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.decoding import repeat_beams
from common.layers.gru import GRULayer, TwoWayGRU
from common.layers.masks import sequence_mask
from common.layers.sampling import text_keys

from .sequence_to_sequence import SequenceToSequence

HIDDEN = -1e9  # the score of a step or of a fact that is not there


class KnowledgeWriter(SequenceToSequence):
    """Writes replies; the facts that a reply needs are chosen by attention from the state behind the dialogue.

    Args:
        vocab_size (int): V, of dialogues, facts and replies.
        start (int): id of `start_word`, which is before the first token that is written.
        end (int): id of `end_word`, which is behind the last token of dialogues and replies.
        start_word (str): this token; the vocabulary is compared with both.
        end_word (str): this token.
        embedding_size (int): E.
        hidden_size (int): H, of both directions together.
        facts (int): F, of the transform.
        words (int): W, of the transform.
        posterior (bool): in training facts are chosen by the reply, too, and what is chosen without it becomes alike.
        knowledge_steps (int): the first updates, in which only the choice of facts is trained.
        dropout (float): before the output.
        search (TokenSearch | None): how replies are written; null for a beam search of 4.
    """

    inputs = {"input_ids": ([None, None], "int64"), "length": ([None], "int64")}  # and those of facts

    def __init__(
        self, vocab_size, start=1, end=2, start_word="<s>", end_word="</s>", embedding_size=300, hidden_size=800,
        facts=32, words=24, posterior=False, knowledge_steps=0, dropout=0.3, search=None,
    ):  # fmt: skip
        super().__init__(vocab_size, {start_word: start, end_word: end}, search)
        if knowledge_steps < 0:
            raise ValueError(f"knowledge_steps is {knowledge_steps}; allowed: 0 or more")
        self.inputs = self.inputs | {
            "fact_ids": ([None, facts, words], "int64"),
            "fact_length": ([None, facts], "int64"),
        }
        self.facts, self.words, self.hidden_size, self.posterior = facts, words, hidden_size, posterior
        self.knowledge_steps, self.steps = knowledge_steps, 0  # updates of the training so far
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.encoder = TwoWayGRU(embedding_size, hidden_size)
        self.fact_encoder = TwoWayGRU(embedding_size, hidden_size)
        self.bridge = nn.Linear(hidden_size, hidden_size)
        self.writer = GRULayer(embedding_size + hidden_size, hidden_size)
        self.teller = GRULayer(2 * hidden_size, hidden_size)
        self.of_writer, self.of_teller = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.gate = nn.Linear(2 * hidden_size, 1)
        self.mix, self.output = nn.Linear(2 * hidden_size, hidden_size), nn.Linear(hidden_size, vocab_size)
        self.bag = nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, vocab_size))
        self.dropout = nn.Dropout(dropout)

    def encode(self, input_ids, length, fact_ids, fact_length):
        """Encodes dialogues and facts for the decoder.

        Args:
            input_ids (Tensor): int64 [N, S].
            length (Tensor): int64 [N].
            fact_ids (Tensor): int64 [N, F, W].
            fact_length (Tensor): int64 [N, F], 0 for a fact that is not there.

        Returns:
            tuple[Tensor, ...]: the state behind the dialogue [N, H], the chosen facts [N, H], features of the dialogue
                [N, S, H] and the scores to add to those of padding [N, 1, S]; facts [N, F, H], the scores of those
                that are not there [N, 1, F].
        """
        said, state = self.encoder(self.embedding(input_ids), length)
        state = paddle.tanh(self.bridge(state))
        rows = self.embedding(fact_ids.reshape([-1, self.words]))
        _, facts = self.fact_encoder(rows, paddle.clip(fact_length.reshape([-1]), min=1))
        facts = facts.reshape([-1, self.facts, self.hidden_size])
        absent = (fact_length == 0).astype("float32").unsqueeze(1) * HIDDEN
        padding = (1 - sequence_mask(length, input_ids)).unsqueeze(1) * HIDDEN
        chosen = paddle.matmul(self.choice(state, facts, absent), facts).squeeze(1)
        return state, chosen, said, padding, facts, absent

    @staticmethod
    def choice(query, facts, absent):
        """The share of each fact that is taken, [N, 1, F]; of queries [N, H]."""
        return F.softmax(paddle.matmul(query.unsqueeze(1), facts, transpose_y=True) + absent)

    def advance(self, words, state, memory, beams=1):
        """One step of the decoder: the state and the found tokens of the dialogue, [N*K, H] each.

        Args:
            words (Tensor): [N*K, E], vectors of the tokens before.
            state (Tensor): [N*K, H].
            memory (tuple): chosen facts [N*K, H]; features and scores of the dialogue, see `encode`.
            beams (int): K.
        """
        chosen, said, padding = memory
        query = state.reshape([-1, beams, self.hidden_size])
        found = paddle.matmul(F.softmax(paddle.matmul(query, said, transpose_y=True) + padding), said)
        found = found.reshape([-1, self.hidden_size])
        wrote = paddle.tanh(self.of_writer(self.writer.step(paddle.concat([words, found], -1), state)))
        known = paddle.tanh(self.of_teller(self.teller.step(paddle.concat([chosen, found], -1), state)))
        share = F.sigmoid(self.gate(paddle.concat([wrote, known], -1)))
        return known + share * (wrote - known), found

    def logits(self, found, state):
        """Logits [..., V] of what was found in the dialogue and of a state, [..., H] each."""
        return self.output(self.mix(self.dropout(paddle.concat([found, state], -1))))

    def teach(self, given, memory):
        """Logits [N, U, V] behind each token of given int64 [N, U]."""
        state, chosen, said, padding, *_ = memory
        states, seen = [], []
        for words in paddle.unbind(self.embedding(given), 1):
            state, found = self.advance(words, state, (chosen, said, padding))
            states.append(state)
            seen.append(found)
        return self.logits(paddle.stack(seen, 1), paddle.stack(states, 1))

    def begin(self, memory, beams):
        """The step function and the state before the first token."""
        state, chosen, said, padding, *_ = memory
        chosen = repeat_beams(chosen, beams)

        def step(tokens, state):
            after, found = self.advance(self.embedding(tokens), state["hidden"], (chosen, said, padding), beams)
            return self.logits(found, after), {"hidden": after}

        return step, {"hidden": state}

    def predict(self, input_ids, length, fact_ids, fact_length):
        """Logits [N, V] of the first token that is written; see `encode`."""
        memory = self.encode(input_ids, length, fact_ids, fact_length)
        return self.teach(paddle.full_like(input_ids[:, :1], self.start), memory)[:, 0]

    def forward(self, input_ids, length, fact_ids, fact_length):
        """Writes a reply for each dialogue; see `encode` and SequenceToSequence."""
        memory = self.encode(input_ids, length, fact_ids, fact_length)
        return self.write(memory, text_keys(input_ids, sequence_mask(length, input_ids)))

    def loss(self, batch):
        """The losses of a batch.

        Args:
            batch (dict): the inputs; target_ids int64 [N, U], the end token last, target_length int64 [N].

        Returns:
            dict[str, Tensor]: `loss_tokens`, the mean cross entropy of a token given those before it; `loss_words`, of
                a token given the chosen facts alone; with `posterior` `loss_kl`, the mean divergence in nats of both
                choices of facts.
        """
        state, chosen, *said, facts, absent = self.encode(*(batch[name] for name in self.inputs))
        target, length = batch["target_ids"], batch["target_length"]
        losses = {}
        if self.posterior:
            _, query = self.fact_encoder(self.embedding(target), length)
            guess, known = self.choice(state, facts, absent), self.choice(query, facts, absent)
            ratio = paddle.log(known + 1e-10) - paddle.log(guess + 1e-10)
            losses["loss_kl"] = (known * ratio).sum() / known.shape[0]
            if self.training:
                chosen = paddle.matmul(known, facts).squeeze(1)
        logits = self.bag(chosen).unsqueeze(1).expand([-1, target.shape[1], -1])
        counted = sequence_mask(length, target)
        words = F.cross_entropy(logits, target, reduction="none").reshape(target.shape)
        losses["loss_words"] = (words * counted).sum() / counted.sum()
        weight = float(not self.training or self.steps >= self.knowledge_steps)
        self.steps += self.training
        losses["loss_tokens"] = weight * self.cross_entropy((state, chosen, *said, facts, absent), target, length)
        return losses

    def training_state(self):
        """The number of updates, for checkpoints."""
        return {"steps": np.array(self.steps)}

    def load_training_state(self, arrays):
        """The inverse of training_state."""
        self.steps = int(arrays.get("steps", 0))
