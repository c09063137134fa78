"""The bidirectional language model of ELMo (https://arxiv.org/abs/1802.05365, section 3.1), over words in place of
characters: two stacks of LSTMs with projections, one a direction, over the same vectors of words.

Shapes in this file:
    N texts of T words (padded), V words, D cells, P features of a word and of a projection, L layers.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.masks import sequence_mask
from common.layers.projected_lstm import ProjectedLSTM


class ELMo(nn.Layer):
    """Vectors of words, and for each direction L layers that each have the direction's past of the text.

    Args:
        vocab_size (int): V.
        end (int): id of `end_word`, which is before and behind every text.
        end_word (str): this word; the vocabulary is compared with both.
        hidden_size (int): D.
        projection_size (int): P.
        layers (int): L; the output of a layer but the first has its input added.
        clip (float | None): bound of cells and of projections, null for none.
        dropout (float): of the input of each layer, and of the output of the last one.
    """

    def __init__(
        self, vocab_size, end, end_word="<eos>", hidden_size=4096, projection_size=512, layers=2, clip=3.0, dropout=0.1
    ):
        super().__init__()
        if not 0 <= end < vocab_size:
            raise ValueError(f"end is {end}; it is the id of a word, 0 to {vocab_size - 1}")
        if layers < 1:
            raise ValueError(f"layers is {layers}; there is 1 or more")
        self.vocab_size, self.token_ids, self.end = vocab_size, {end_word: end}, end
        self.depth, self.size, self.state_size = layers, projection_size, projection_size + hidden_size
        self.embedding = nn.Embedding(vocab_size, projection_size)
        self.forwards, self.backwards = (
            DirectionalLSTM(projection_size, hidden_size, layers, clip, dropout) for _ in range(2)
        )

    def zero_state(self, count):
        """The state before `count` texts (int or int tensor), float32 [N, 2 L, P + D], forward layers first."""
        return paddle.zeros([count, 2 * self.depth, self.state_size])

    def carry(self, forward_ids, backward_ids, state):
        """Runs both directions over words int64 [N, T] each, which need not be the same, from a state.

        Returns:
            tuple: the output of the last layer of each direction, [N, T, P] both, and the state behind the words.
        """
        depth = self.depth
        ahead, after = self.forwards(self.embedding(forward_ids), state[:, :depth])
        back, before = self.backwards(self.embedding(backward_ids), state[:, depth:])
        return ahead[-1], back[-1], paddle.concat([after, before], 1)

    def layers_of(self, input_ids, length):
        """Features of texts that have no end token.

        Args:
            input_ids (Tensor): int64 [N, T].
            length (Tensor): int64 [N], 0 to T.

        Returns:
            tuple[list[Tensor], list[Tensor]]: for each direction the vectors of the words and the outputs of its L
                layers at each word, [N, T, P] each, in the order of the text; those at the padding mean nothing.
        """
        end = paddle.full_like(input_ids[:, :1], self.end)
        mask = sequence_mask(length + 1, paddle.concat([end, input_ids], 1))
        sides = []
        for stack, ids in ((self.forwards, input_ids), (self.backwards, turned(input_ids, length))):
            words = self.embedding(paddle.concat([end, ids], 1))
            state = paddle.zeros_like(words[:, :1, :1]).expand([-1, self.depth, self.state_size])
            outputs, _ = stack(words, state, mask)
            sides.append([x[:, 1:] for x in (words, *outputs)])
        return sides[0], [turned(x, length) for x in sides[1]]


class DirectionalLSTM(nn.Layer):
    """Layers of LSTMs with projections, with residual connections from the second one on.

    Args:
        size (int): P.
        hidden_size (int): D.
        layers (int): L.
        clip (float | None): bound of cells and of projections.
        dropout (float): of the input of each layer, and of the output of the last one.
    """

    def __init__(self, size, hidden_size, layers, clip, dropout):
        super().__init__()
        self.dropout = dropout
        self.inputs = nn.LayerList([nn.Linear(size, 4 * hidden_size, bias_attr=False) for _ in range(layers)])
        self.layers = nn.LayerList([ProjectedLSTM(hidden_size, size, False, False, clip, clip) for _ in range(layers)])

    def forward(self, x, state, mask=None):
        """The output of each layer (list of [N, T, P]) and the last state [N, L, P + D] of vectors [N, T, P]."""
        outputs, after = [], []
        for number, (linear, layer) in enumerate(zip(self.inputs, self.layers)):
            x = self.drop(x)
            found, last = layer.run(linear(x), mask, state[:, number])
            x = found + x if number else found
            outputs.append(x)
            after.append(last)
        outputs[-1] = self.drop(outputs[-1])
        return outputs, paddle.stack(after, 1)

    def step(self, x, state):
        """One step: vectors [N, P] and the state [N, L, P + D] give the output [N, P] and the state behind it."""
        after = []
        for number, (linear, layer) in enumerate(zip(self.inputs, self.layers)):
            last = layer.step(linear(x), state[:, number])
            found = last[:, : layer.out_channels]
            x = found + x if number else found
            after.append(last)
        return x, paddle.stack(after, 1)

    def drop(self, x):
        """Dropout of what goes up."""
        return F.dropout(x, self.dropout, training=self.training) if self.dropout else x


def turned(x, length):
    """Sequences x [N, T, ...] from their last step to their first one; the padding stays where it is."""
    steps = paddle.arange(paddle.shape(x)[1]).astype("int64").unsqueeze(0)
    length = length.unsqueeze(1)
    places = paddle.where(steps < length, length - 1 - steps, steps)
    if x.ndim == 3:
        places = places.unsqueeze(2).expand([-1, -1, x.shape[2]])
    return paddle.take_along_axis(x, places, 1)
