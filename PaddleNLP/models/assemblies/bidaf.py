"""Reading of several paragraphs by bidirectional attention flow (BiDAF, Seo et al. 2017, https://arxiv.org/abs/1611.01603)
and a pointer network (Wang and Jiang 2017, https://arxiv.org/abs/1608.07905), the baseline of DuReader.

Shapes in this file:
    N questions of W paragraphs; a row has T tokens, question and paragraph, Q of the question and P of the paragraph
    (padded); E features of a word, D of a state, M = W T places of all rows.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import normal
from common.layers.masks import sequence_mask
from common.layers.recurrent import run_kernel

FAR = -1e9  # added to the scores of what is padding


class BiDAF(nn.Layer):
    """LSTMs over question and paragraph, attention between both, an LSTM over what it found, and two pointers.

    Args:
        vocab_size (int): size of the vocabulary.
        embedding_size (int): E.
        hidden_size (int): D of each direction.
        dropout (float): of the features that the last LSTM reads and gives.
    """

    task = "ReadingComprehension"
    outputs = ("start_scores", "end_scores")

    def __init__(self, vocab_size, embedding_size=300, hidden_size=150, dropout=0.0):
        super().__init__()
        rows = ([None, None, None], "int64")
        self.inputs = {"input_ids": rows, "token_type_ids": rows, "length": ([None, None], "int64")}
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding_size, weight_attr=normal(0.1))
        self.of_question = BiLSTM(embedding_size, hidden_size)
        self.of_paragraph = BiLSTM(embedding_size, hidden_size)
        self.fusion = BiLSTM(8 * hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        wide = 2 * hidden_size
        self.asked, self.anything = nn.Linear(wide, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.weight, self.first_state = nn.Linear(hidden_size, 1), nn.Linear(wide, hidden_size)
        self.pointers = nn.LayerList(
            [Pointer(wide, hidden_size) for _ in range(2)]
        )  # from the start on, and from the end

    def predict(self, input_ids, token_type_ids, length):
        """Log-probabilities of start and end, float32 [N, W, T] each; below -1e8 outside of paragraphs.

        Args:
            input_ids (Tensor): int64 [N, W, T].
            token_type_ids (Tensor): int64 [N, W, T], 0 for the question and the padding, 1 for the paragraph.
            length (Tensor): int64 [N, W], tokens without the padding; 0 for a row that is padding.
        """
        windows, size = paddle.shape(input_ids)[1], paddle.shape(input_ids)[2]
        ids, kinds = input_ids.reshape([-1, size]), token_type_ids.reshape([-1, size]).astype("float32")
        length = length.reshape([-1])
        answerable = kinds * sequence_mask(length, ids)
        asked = sequence_mask(length, ids) - answerable
        question = paddle.clip(asked.sum(1).astype("int64"), min=1)
        words = self.embedding(ids)
        steps = paddle.arange(size).astype("int64")
        inside = (steps.unsqueeze(0) < question.unsqueeze(1)).astype("float32")  # the question comes first
        q = self.of_question(words, question) * inside.unsqueeze(2)
        paragraph = paddle.clip(answerable.sum(1).astype("int64"), min=1)
        places = paddle.minimum(steps.unsqueeze(0) + question.unsqueeze(1), size - 1)
        moved = paddle.take_along_axis(words, places.unsqueeze(2), 1)
        p = self.of_paragraph(moved, paragraph)
        seen = (steps.unsqueeze(0) < paragraph.unsqueeze(1)).astype("float32")
        p = self.fusion(self.dropout(self.flow(p, q, inside, seen)), paragraph)
        back = paddle.clip(steps.unsqueeze(0) - question.unsqueeze(1), min=0)
        p = self.dropout(paddle.take_along_axis(p, back.unsqueeze(2), 1))  # at its place in the row again
        p, answerable = p.reshape([-1, windows * size, p.shape[2]]), answerable.reshape([-1, windows * size])
        first = self.pooled(q.reshape([-1, windows, size, q.shape[2]])[:, 0], inside.reshape([-1, windows, size])[:, 0])
        forward, backward = (pointer(p, answerable, first) for pointer in self.pointers)
        both = zip(forward, reversed(backward))
        return tuple(
            (paddle.log((one + other) / 2 + 1e-12) + (answerable - 1) * -FAR).reshape([-1, windows, size])
            for one, other in both
        )

    def flow(self, p, q, inside, seen):
        """Features of the words of a paragraph and of what they attend to, [N W, T, 8 D].

        Args:
            p (Tensor): the paragraph, [N W, T, 2 D].
            q (Tensor): the question, [N W, T, 2 D].
            inside (Tensor): float32 [N W, T], 1 for words of the question.
            seen (Tensor): float32 [N W, T], 1 for words of the paragraph.
        """
        scores = paddle.matmul(p, q, transpose_y=True) + ((inside - 1) * -FAR).unsqueeze(1)
        found = paddle.matmul(F.softmax(scores), q)
        best = F.softmax(scores.max(2) + (seen - 1) * -FAR)
        whole = paddle.matmul(best.unsqueeze(1), p)  # [N W, 1, 2 D]
        return paddle.concat([p, found, p * found, p * whole], 2)

    def pooled(self, q, inside):
        """The first state of the pointers, [N, D], of the question [N, T, 2 D]; what it is asked with is all ones."""
        ones = paddle.ones([1, 1, self.anything.weight.shape[0]])
        scores = self.weight(paddle.tanh(self.asked(q) + self.anything(ones))).squeeze(2)
        weights = F.softmax(scores + (inside - 1) * -FAR)
        return self.first_state(paddle.matmul(weights.unsqueeze(1), q).squeeze(1))

    def forward(self, input_ids, token_type_ids, length):
        """See `predict`; the task chooses the answer."""
        return self.predict(input_ids, token_type_ids, length)

    def loss(self, batch):
        """The negative log-likelihood of start and end, averaged over the questions that have an answer and halved.

        Args:
            batch (dict): the inputs, and start, end int64 [N, W], -1 for a paragraph without the answer.
        """
        found = self.predict(*(batch[name] for name in self.inputs))
        losses = {}
        for name, scores in zip(("start", "end"), found, strict=True):
            target = batch[name]
            there = (target >= 0).astype("float32")
            chosen = paddle.take_along_axis(scores, paddle.clip(target, min=0).unsqueeze(2), 2).squeeze(2)
            losses[f"loss_{name}"] = -(chosen * there).sum() / paddle.clip(there.sum(), min=1.0) / 2
        return losses


class BiLSTM(nn.Layer):
    """One LSTM in both directions, run by the framework's kernel; one bias a gate.

    Args:
        in_channels (int): features of an input.
        hidden_size (int): D of each direction.
    """

    def __init__(self, in_channels, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        shapes = {"weight_ih": [4 * hidden_size, in_channels], "weight_hh": [4 * hidden_size, hidden_size]}
        self.sides = nn.LayerList()
        for _ in range(2):
            side = nn.Layer()
            for name, shape in shapes.items():
                setattr(side, name, side.create_parameter(shape))
            side.bias = side.create_parameter([4 * hidden_size], is_bias=True)
            self.sides.append(side)

    def forward(self, x, length):
        """Outputs [N, T, 2 D] of x [N, T, features], 0 at the padding; length int64 [N], at least 1."""
        state = paddle.zeros([2, paddle.shape(x)[0], self.hidden_size])
        weights = [array for side in self.sides for array in (side.weight_ih, side.weight_hh)]
        biases = [array for side in self.sides for array in (side.bias, paddle.zeros_like(side.bias))]
        return run_kernel("LSTM", x, [state, state], weights + biases, length, self.training)[0]


class Pointer(nn.Layer):
    """Two steps of an LSTM that reads what its attention points to.

    Args:
        in_channels (int): features that are pointed to.
        hidden_size (int): D.
    """

    def __init__(self, in_channels, hidden_size):
        super().__init__()
        self.seen, self.state = nn.Linear(in_channels, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.weight = nn.Linear(hidden_size, 1)
        self.gates = nn.Linear(in_channels + hidden_size, 4 * hidden_size)

    def forward(self, p, mask, state):
        """Probabilities [N, M] of where both steps point to; p [N, M, features], mask [N, M], state [N, D]."""
        cell, keys, found = paddle.zeros_like(state), self.seen(p), []
        for step in range(2):
            scores = self.weight(paddle.tanh(keys + self.state(state).unsqueeze(1))).squeeze(2)
            found.append(F.softmax(scores + (mask - 1) * -FAR))
            if step:
                return found
            read = paddle.matmul(found[0].unsqueeze(1), p).squeeze(1)
            enter, forget, leave, candidate = self.gates(paddle.concat([read, state], 1)).split(4, 1)
            cell = F.sigmoid(forget) * cell + F.sigmoid(enter) * paddle.tanh(candidate)
            state = F.sigmoid(leave) * paddle.tanh(cell)
        return found
