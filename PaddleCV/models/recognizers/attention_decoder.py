"""The attention decoder of words: a GRU that looks at the columns and writes one character after another.

The attention is additive (Bahdanau et al. 2014, https://arxiv.org/abs/1409.0473, appendix A.1.2), without biases.

Shapes in this file:
    N images of T steps (padded), D features of a step, the last half of which is read from right to left, E features of
    the decoder, U characters of a text, C classes with the blank, V = C + 1 words: start, end and C - 1 characters.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.ctc import check_label_ids, frame_log_probabilities
from common.layers.decoding import beam_search, repeat_beams
from common.layers.initializers import normal
from common.layers.masks import masked_sum, sequence_mask
from common.layers.recurrent import GRUWeights

START, END = 0, 1  # the character of class k is word k + 1
NEVER = -1e9  # the score of a step that is padding


class AttentionDecoder(nn.Layer):
    """A GRU with attention, trained to write the next character of the text, and beam search.

    Args:
        in_channels (int): D, given by the encoder.
        num_classes (int): C.
        hidden_size (int): E, also of the vectors of words.
        max_length (int): characters of a text at most.
        beam_size (int): hypotheses of the search; 1 is greedy search.
        length_penalty (float): of the search, see `common.layers.decoding.beam_search`.
        reduction (str): of the loss over the characters of all images, `sum` as in the original, or `mean`.
    """

    def __init__(
        self,
        in_channels,
        num_classes,
        hidden_size=128,
        max_length=20,
        beam_size=1,
        length_penalty=0.0,
        reduction="sum",
    ):
        super().__init__()
        if max_length < 1 or beam_size < 1:
            raise ValueError(f"max_length is {max_length}, beam_size is {beam_size}; both are at least 1")
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is {reduction!r}; it is mean or sum")
        self.num_classes, self.max_length, self.beam_size = num_classes, max_length, beam_size
        self.length_penalty, self.reduction = length_penalty, reduction
        self.half = in_channels // 2
        self.boot = nn.Linear(self.half, hidden_size, bias_attr=False)
        self.words = nn.Embedding(num_classes + 1, hidden_size)
        self.keys = nn.Linear(in_channels, hidden_size, bias_attr=False)
        self.query = nn.Linear(hidden_size, hidden_size, bias_attr=False)
        self.energy = nn.Linear(hidden_size, 1, bias_attr=False)
        self.from_context = nn.Linear(in_channels, 3 * hidden_size, bias_attr=False)
        self.from_word = nn.Linear(hidden_size, 3 * hidden_size, bias_attr=False)
        self.cell = GRUWeights(hidden_size, normal(hidden_size**-0.5))
        self.output = nn.Linear(hidden_size, num_classes + 1)

    def start(self, features):
        """The state before the first character, [N, E]: of what the encoder knows at the left edge."""
        return F.relu(self.boot(features[:, 0, self.half :]))

    def step(self, word, state, features, keys, mask):
        """Writes one character.

        Args:
            word (Tensor): int64 [N], the character before.
            state (Tensor): [N, E].
            features (Tensor): [N, T, D].
            keys (Tensor): [N, T, E], projected features.
            mask (Tensor): float32 [N, T].

        Returns:
            tuple[Tensor, Tensor]: logits [N, V], state [N, E].
        """
        energy = self.energy(paddle.tanh(keys + self.query(state).unsqueeze(1))).squeeze(2)
        weights = F.softmax(energy + (1 - mask) * NEVER, axis=1)
        context = (features * weights.unsqueeze(2)).sum(1)
        state = self.cell.step(self.from_context(context) + self.from_word(self.words(word)), state)
        return self.output(state), state

    def spell(self, features, steps):
        """The texts of features [N, T, D] of int64 [N] steps each.

        Returns:
            tuple[Tensor, Tensor]: ids int64 [N, max_length], filled with 0; float32 [N], the geometric mean of the
                probabilities of the characters and the end.
        """
        beams = self.beam_size
        kept = [repeat_beams(x, beams) for x in (features, self.keys(features), sequence_mask(steps, features))]

        def step(word, state):
            return self.step(word, state, *kept)

        found = beam_search(
            step, self.start(features), START, END, self.max_length + 1, beams, length_penalty=self.length_penalty
        )
        words, length = found.tokens[:, 0, : self.max_length], found.lengths[:, 0]
        ids = paddle.where(words > END, words - 1, paddle.zeros_like(words))
        penalty = ((length.astype("float32") + 5) / 6) ** self.length_penalty
        return ids, (found.scores[:, 0] * penalty / length.astype("float32")).exp()

    def loss(self, features, steps, labels, label_length):
        """`loss_characters`, the cross entropy of the characters and the end of texts, each given those before it.

        Args:
            features (Tensor): [N, T, D].
            steps (Tensor): int64 [N].
            labels (Tensor): int32 [N, U], 1 to C - 1; padding has any value.
            label_length (Tensor): int64 [N].

        Raises:
            DataError: a text is empty or has an id that is no class.
        """
        check_label_ids(labels.numpy(), label_length.numpy(), self.num_classes)
        there = sequence_mask(label_length, labels).astype("int64")
        words = (labels.astype("int64") + 1) * there + END * (1 - there)
        ends = paddle.full_like(words[:, :1], END)
        given = paddle.concat([paddle.full_like(ends, START), words], 1)
        wanted = paddle.concat([words, ends], 1)  # the first end is behind the last character
        keys, mask, state = self.keys(features), sequence_mask(steps, features), self.start(features)
        logits = []
        for word in paddle.unbind(given, 1):
            scores, state = self.step(word, state, features, keys, mask)
            logits.append(scores)
        log_probs = frame_log_probabilities(paddle.stack(logits, 1))
        losses = -paddle.take_along_axis(log_probs, wanted.unsqueeze(2), 2)
        counted = sequence_mask(label_length + 1, wanted)
        total = masked_sum(losses, counted).sum()
        return {"loss_characters": total if self.reduction == "sum" else total / counted.sum()}
