"""Word-level language model: LSTM layers that predict the next word of a running text.

Zaremba et al. 2014, https://arxiv.org/abs/1409.2329: trained on consecutive pieces of the text with truncated
backpropagation, the state at the end of a piece being the one before the next piece.

Shapes in this file:
    N rows of T + 1 words, the first of which is given; D features of a state, L layers, V words, n continuations of U
    words.
"""

import paddle
from paddle import nn

from common.layers.ctc import frame_log_probabilities
from common.layers.decoding import beam_search
from common.layers.initializers import uniform
from common.layers.lstm import StackedLSTM
from common.layers.masks import sequence_mask
from common.layers.sampling import sample, text_keys

from .carried_state import CarriedState


class LanguageModel(nn.Layer):
    """Predicts each word of a text from all words before it, and continues a text by a search or by drawing.

    Args:
        vocab_size (int): V.
        end (int): id of `end_word`, which is before the first word of a text and behind its last one.
        end_word (str): this word; the vocabulary is compared with both.
        hidden_size (int): D, also of the vectors of words.
        layers (int): L.
        dropout (float): of the vectors of words, between layers, and of the output.
        init (float): initial weights are uniform in [-init, init].
        max_length (int): U, of a continuation.
        min_length (int): of a continuation, with the end token.
        n_best (int): n.
        beam_size (int): hypotheses of the search; 1 is greedy search.
        length_penalty (float): of the search, see `common.layers.decoding.beam_search`.
        temperature (float | None): draws the words of continuations in place of a search, see `common.layers.sampling`.
        top_k (int): draws from the k most probable words only; 0 for all.
        top_p (float): draws from the fewest words whose probabilities add up to this.
        seed (int): of the random numbers.
    """

    task = "TextGeneration"
    inputs = {"input_ids": ([None, None], "int64"), "length": ([None], "int64")}
    outputs = ("log_probs", "ids", "lengths", "scores")

    def __init__(
        self,
        vocab_size,
        end,
        end_word="<eos>",
        hidden_size=200,
        layers=2,
        dropout=0.0,
        init=0.1,
        max_length=20,
        min_length=2,
        n_best=1,
        beam_size=4,
        length_penalty=0.6,
        temperature=None,
        top_k=0,
        top_p=1.0,
        seed=0,
    ):
        super().__init__()
        if not 0 <= end < vocab_size:
            raise ValueError(f"end is {end}; it is the id of a word, 0 to {vocab_size - 1}")
        self.vocab_size, self.token_ids, self.end = vocab_size, {end_word: end}, end
        self.lengths = {"max_length": max_length, "min_length": min_length}
        self.beams = {"beam_size": beam_size, "length_penalty": length_penalty, "n_best": n_best}
        self.draws = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed, "count": n_best}
        self.embedding = nn.Embedding(vocab_size, hidden_size, weight_attr=uniform(init))
        self.lstm = StackedLSTM(hidden_size, hidden_size, layers, dropout, init)
        self.output = nn.Linear(hidden_size, vocab_size, uniform(init), uniform(init))
        self.carried = CarriedState()

    def predict(self, input_ids, length):
        """Logits [N, T, V] of the words behind each of the first T; int64 [N, T + 1], [N]."""
        return self.run(input_ids, self.lstm.zero_state(paddle.shape(input_ids)[0]), length - 1)[0]

    def run(self, input_ids, state, length=None):
        """Logits [N, T, V] and the last state of the first T words of input_ids [N, T + 1]."""
        features, state = self.lstm(self.embedding(input_ids[:, :-1]), state, length)
        return self.output(features), state

    def forward(self, input_ids, length):
        """Scores texts and continues them.

        Args:
            input_ids (Tensor): int64 [N, T + 1], the end token and a text of one word or more.
            length (Tensor): int64 [N], T + 1 without the padding.

        Returns:
            tuple[Tensor, ...]: log-probabilities float32 [N, T] of the words of the text, 0 at the padding;
                continuations int64 [N, n, U], the best first, their lengths int64 [N, n] with the end token, and their
                log-probabilities float32 [N, n].
        """
        logits, state = self.run(input_ids, self.lstm.zero_state(paddle.shape(input_ids)[0]), length - 1)
        last = paddle.take_along_axis(input_ids, (length - 1).unsqueeze(1), 1).squeeze(1)
        if self.draws["temperature"] is None:
            found = beam_search(self.step, state, last, self.end, **self.lengths, **self.beams)
        else:
            keys = text_keys(input_ids, sequence_mask(length, input_ids))
            found = sample(self.step, state, last, self.end, keys=keys, **self.lengths, **self.draws)
        mask = sequence_mask(length - 1, input_ids[:, 1:])
        return self.log_probabilities(logits, input_ids) * mask, *found

    def step(self, words, state):
        """Logits [N, V] behind words int64 [N], and the state behind them, see `common.layers.decoding`."""
        features, state = self.lstm.step(self.embedding(words), state)
        return self.output(features), state

    @staticmethod
    def log_probabilities(logits, input_ids):
        """The log-probability of each word but the first, float32 [N, T]."""
        return paddle.take_along_axis(frame_log_probabilities(logits), input_ids[:, 1:].unsqueeze(2), 2).squeeze(2)

    def loss(self, batch):
        """`loss_tokens`, the mean cross entropy of the words; the state behind the batch before is carried on.

        Args:
            batch (dict): input_ids int64 [N, T + 1], length int64 [N], first int64 [N]: 1 where a row begins.

        Raises:
            ConfigError: the rows of a batch are not those of the batch before.
        """
        input_ids = batch["input_ids"]
        state = self.carried.before(self.training, batch["first"], self.lstm.zero_state(input_ids.shape[0]))
        logits, state = self.run(input_ids, state)
        self.carried.keep(self.training, state)
        mask = sequence_mask(batch["length"] - 1, input_ids[:, 1:])
        return {"loss_tokens": -(self.log_probabilities(logits, input_ids) * mask).sum() / mask.sum()}

    def training_state(self):
        """The state behind the last piece of the training text, for checkpoints."""
        return self.carried.arrays()

    def load_training_state(self, arrays):
        """The inverse of training_state."""
        self.carried.load(arrays)
