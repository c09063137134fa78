"""Training of ELMo: two language models, one a direction, which share the vectors of words and the softmax.

Peters et al. 2018, https://arxiv.org/abs/1802.05365, section 3.1; the softmax is learned from a shared sample of the
vocabulary (Jean et al. 2015, https://arxiv.org/abs/1412.2007).

Shapes in this file:
    N rows of T + 1 words, the first of which is given; P features of a direction, V words, K sampled words, n
    continuations of U words.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.errors import ConfigError
from common.layers.ctc import frame_log_probabilities
from common.layers.masks import sequence_mask
from common.layers.sampled_softmax import log_presence, sample_different, sampled_cross_entropy, tries_for
from common.layers.sampling import text_keys
from common.layers.token_search import TokenSearch

from ..encoders.elmo import turned
from .carried_state import CarriedState


class BidirectionalLanguageModel(nn.Layer):
    """Predicts each word of a text from all words before it, and from all words behind it.

    Args:
        encoder (ELMo): both directions.
        negatives (int | None): K, different words that each batch of training has to expect, drawn by their rank in the
            vocabulary, whose words are in order of decreasing frequency; null learns the softmax of all words.
        search (TokenSearch | None): how a text is continued; null for a beam search of 4.
    """

    task = "TextGeneration"
    inputs = {"input_ids": ([None, None], "int64"), "length": ([None], "int64")}
    outputs = ("log_probs", "ids", "lengths", "scores", "backward_log_probs")

    def __init__(self, encoder, negatives=None, search=None):
        super().__init__()
        self.encoder = encoder
        self.tries = None if negatives is None else tries_for(negatives, encoder.vocab_size + 1)
        self.vocab_size, self.token_ids = encoder.vocab_size, encoder.token_ids
        self.search = search or TokenSearch(max_length=20, min_length=2)
        self.weight = self.create_parameter([encoder.vocab_size, encoder.size])
        self.bias = self.create_parameter([encoder.vocab_size], is_bias=True)
        self.carried = CarriedState()

    @classmethod
    def from_config(cls, encoder, build, negatives=None, search=None):
        """Builds the parts.

        Args:
            encoder (node): ELMo.
            negatives (int | None): K, or null for the softmax of all words.
            search (TokenSearch): how a text is continued; null for a beam search of 4.
        """
        return cls(build(encoder), negatives, build(search))

    def logits(self, features):
        """Logits [..., V] of features [..., P]."""
        return paddle.matmul(features, self.weight, transpose_y=True) + self.bias

    def predict(self, input_ids, length):
        """Logits of the words behind the first one, by those before and by those behind them; int64 [N, T + 1], [N].

        Returns:
            tuple[Tensor, Tensor]: [N, T, V] each, in the order of the text.
        """
        (ahead, back), _ = self.read(input_ids, length)
        return self.logits(ahead), self.logits(back)

    def read(self, input_ids, length):
        """The features [N, T, P] that predict each word, forward and backward, and the state [N, L, P + D] of the
        forward direction before the last word.
        """
        encoder, ids, length = self.encoder, input_ids[:, 1:], length - 1
        end = paddle.full_like(ids[:, :1], encoder.end)
        mask = sequence_mask(length, ids)
        found, states = [], []
        for stack, words in ((encoder.forwards, ids), (encoder.backwards, turned(ids, length))):
            x = encoder.embedding(paddle.concat([end, words[:, :-1]], 1))
            state = paddle.zeros_like(x[:, :1, :1]).expand([-1, encoder.depth, encoder.state_size])
            outputs, state = stack(x, state, mask)
            found.append(outputs[-1])
            states.append(state)
        return (found[0], turned(found[1], length)), states[0]

    def forward(self, input_ids, length):
        """Scores texts in both directions and continues them by the forward one.

        Args:
            input_ids (Tensor): int64 [N, T + 1], the end token and a text of one word or more.
            length (Tensor): int64 [N], T + 1 without the padding.

        Returns:
            tuple[Tensor, ...]: log-probabilities float32 [N, T] of the words of the text given those before, 0 at the
                padding; continuations int64 [N, n, U], the best first, their lengths int64 [N, n] with the end token,
                and their log-probabilities float32 [N, n]; log-probabilities [N, T] of the words given those behind.
        """
        (ahead, back), state = self.read(input_ids, length)
        last = paddle.take_along_axis(input_ids, (length - 1).unsqueeze(1), 1).squeeze(1)
        keys = text_keys(input_ids, sequence_mask(length, input_ids))
        ids, lengths, scores = self.search(self.step, state, last, self.encoder.end, keys=keys)
        words, mask = input_ids[:, 1:], sequence_mask(length - 1, input_ids[:, 1:])
        log_p = [log_probabilities(self.logits(x), words) * mask for x in (ahead, back)]
        return log_p[0], ids, lengths, scores, log_p[1]

    def step(self, words, state):
        """Logits [N, V] behind words int64 [N], and the state behind them, see `common.layers.decoding`."""
        x, state = self.encoder.forwards.step(self.encoder.embedding(words), state)
        return self.logits(x), state

    def loss(self, batch):
        """`loss_forward` and `loss_backward`, the mean cross entropy of the words of each direction.

        Args:
            batch (dict): input_ids and backward_ids int64 [N, T + 1], length int64 [N], first int64 [N]: 1 where a row
                begins.

        Raises:
            ConfigError: the rows of a batch are not those of the batch before, or it has no backward_ids.
        """
        if "backward_ids" not in batch:
            raise ConfigError(
                "BidirectionalLanguageModel learns from pieces of both directions\n  fix: data of TwoWayText"
            )
        sides = [batch["input_ids"], batch["backward_ids"]]
        state = self.carried.before(self.training, batch["first"], self.encoder.zero_state(len(sides[0])))
        *features, state = self.encoder.carry(*(ids[:, :-1] for ids in sides), state)
        self.carried.keep(self.training, state)
        places = paddle.nonzero(sequence_mask(batch["length"] - 1, sides[0][:, 1:]).flatten()).squeeze(-1)
        losses = [
            self.cross_entropy(
                paddle.index_select(x.flatten(0, 1), places), paddle.gather(ids[:, 1:].flatten(), places)
            )
            for x, ids in zip(features, sides)
        ]
        return {"loss_forward": losses[0], "loss_backward": losses[1]}

    def cross_entropy(self, features, words):
        """The mean cross entropy of words int64 [M] by features [M, P]; in training perhaps over sampled words."""
        if not self.training or self.tries is None:
            return F.cross_entropy(self.logits(features), words)
        ranks = self.vocab_size + 1  # from 1 on
        drawn, log_expected = sample_different(self.tries, ranks)
        drawn = drawn - 1
        rows, biases = paddle.gather(self.weight, words), paddle.gather(self.bias, words)
        positive = (features * rows).sum(-1) + biases - log_presence(words + 1, self.tries, ranks)
        negatives = paddle.matmul(features, paddle.gather(self.weight, drawn), transpose_y=True)
        negatives = negatives + paddle.gather(self.bias, drawn)
        valid = words.unsqueeze(-1) != drawn.unsqueeze(0)
        return sampled_cross_entropy(positive, negatives, valid, log_expected)

    def training_state(self):
        """The state behind the last piece of the training text, for checkpoints."""
        return self.carried.arrays()

    def load_training_state(self, arrays):
        """The inverse of training_state."""
        self.carried.load(arrays)


def log_probabilities(logits, words):
    """The log-probability float32 [N, T] of words int64 [N, T] under logits [N, T, V]."""
    return paddle.take_along_axis(frame_log_probabilities(logits), words.unsqueeze(2), 2).squeeze(2)
