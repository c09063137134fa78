"""Recurrent layers as the original kits have them, over padded texts.

GRU: Cho et al. 2014 (https://arxiv.org/abs/1406.1078, eq. 5-8), where the reset gate acts on the state before its
product with the weights, and h = (1 - u) h + u c.  LSTM: Gers et al. 2002, with peepholes from the cell to the gates.

Shapes in this file:
    N texts of T tokens (padded), D features of a state, G directions.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.scan import scan

from .layers import uniform


class GRU(nn.Layer):
    """A GRU from the left, and perhaps one from the right beside it.

    Args:
        in_channels (int): features of a token.
        hidden_size (int): D.
        directions (int): 1 or 2.
        init (float): first weights lie between -init and init.
    """

    blocks = 3

    def __init__(self, in_channels, hidden_size, directions=2, init=0.1):
        super().__init__()
        wide = self.blocks * hidden_size
        self.hidden_size, self.out_channels = hidden_size, directions * hidden_size
        self.inputs = nn.LayerList([nn.Linear(in_channels, wide, uniform(init)) for _ in range(directions)])
        self.cells = nn.LayerList([self.make_cell(hidden_size, init) for _ in range(directions)])

    @staticmethod
    def make_cell(hidden_size, init):
        """The recurrent weights of one direction."""
        return GRUWeights(hidden_size, init)

    def forward(self, x, mask):
        """[N, T, G D] of x [N, T, in_channels] and mask [N, T]."""
        sides = [
            linear(x) + cell.bias[: self.blocks * self.hidden_size] for linear, cell in zip(self.inputs, self.cells)
        ]
        masks = [mask, mask]
        if len(sides) == 2:
            sides, masks = [sides[0], sides[1].flip(1)], [mask, mask.flip(1)]
        x = paddle.stack(sides, 1).transpose([2, 1, 0, 3])  # [T, G, N, blocks D]
        masks = paddle.stack(masks[: len(sides)], 1).unsqueeze(3).transpose([2, 1, 0, 3])  # [T, G, N, 1]
        hidden = self.run(x, masks)  # [T, G, N, D]
        outputs = [hidden[:, 0]] if len(sides) == 1 else [hidden[:, 0], hidden[:, 1].flip(0)]
        return paddle.concat(outputs, 2).transpose([1, 0, 2])

    def run(self, x, mask):
        """The states after every token, [T, G, N, D]."""
        gates = paddle.stack([cell.gates() for cell in self.cells])
        return run_gru(x, mask, gates, paddle.stack([cell.candidate() for cell in self.cells]))


class LSTM(GRU):
    """An LSTM with peepholes from the left, and perhaps one from the right beside it.

    Args:
        in_channels (int): features of a token.
        hidden_size (int): D.
        directions (int): 1 or 2.
        init (float): first weights lie between -init and init.
    """

    blocks = 4

    @staticmethod
    def make_cell(hidden_size, init):
        """The recurrent weights of one direction."""
        return LSTMWeights(hidden_size, init)

    def run(self, x, mask):
        """The states after every token, [T, G, N, D]."""
        weights = paddle.stack([cell.weight for cell in self.cells])
        peepholes = paddle.stack([cell.bias[4 * self.hidden_size :] for cell in self.cells]).unsqueeze(1)
        return run_lstm(x, mask, weights, peepholes)


class GRUWeights(nn.Layer):
    """The recurrent weights of one direction, laid out as the original's file has them.

    Args:
        hidden_size (int): D.
        init (float): first weights lie between -init and init.
    """

    def __init__(self, hidden_size, init):
        super().__init__()
        self.hidden_size = hidden_size
        self.weight = self.create_parameter([hidden_size, 3 * hidden_size], attr=uniform(init))
        self.bias = self.create_parameter([3 * hidden_size], is_bias=True)

    def gates(self):
        """The weights of update and reset, [D, 2 D]: the first two thirds of the numbers."""
        d = self.hidden_size
        return self.weight.reshape([-1])[: 2 * d * d].reshape([d, 2 * d])

    def candidate(self):
        """The weights of the candidate, [D, D]: the last third."""
        d = self.hidden_size
        return self.weight.reshape([-1])[2 * d * d :].reshape([d, d])


class LSTMWeights(nn.Layer):
    """The recurrent weights of one direction: candidate, input, forget, output; the bias ends with three peepholes.

    Args:
        hidden_size (int): D.
        init (float): first weights lie between -init and init.
    """

    def __init__(self, hidden_size, init):
        super().__init__()
        self.weight = self.create_parameter([hidden_size, 4 * hidden_size], attr=uniform(init))
        self.bias = self.create_parameter([7 * hidden_size], is_bias=True)


def run_gru(x, mask, gates, candidate):
    """The states of G independent GRUs after every token.

    Args:
        x (Tensor): [T, G, N, 3 D], what comes in: update, reset, candidate.
        mask (Tensor): [T, G, N, 1]; where it is 0 the state stays.
        gates (Tensor): [G, D, 2 D], recurrent weights of update and reset.
        candidate (Tensor): [G, D, D], those of the candidate.

    Returns:
        Tensor: [T, G, N, D].
    """
    size = candidate.shape[1]
    opened, fresh = x[:, :, :, : 2 * size], x[:, :, :, 2 * size :]

    def step(state, opened, fresh, mask):
        after = gru_step(opened, fresh, mask, state, gates, candidate)
        return after, after

    return scan(step, [opened, fresh, mask], paddle.zeros_like(fresh[0]))[0]


def gru_step(opened, fresh, mask, state, gates, candidate):
    """u, r = sigmoid(opened + h W_gates); c = tanh(fresh + (r h) W_candidate); h + mask u (c - h)."""
    both = F.sigmoid(opened + paddle.matmul(state, gates))
    update, reset = paddle.split(both, 2, axis=-1)
    new = paddle.tanh(fresh + paddle.matmul(reset * state, candidate))
    return state + mask * update * (new - state)


def run_lstm(x, mask, weights, peepholes):
    """The states of G independent LSTMs after every token.

    Args:
        x (Tensor): [T, G, N, 4 D], what comes in: candidate, input, forget, output.
        mask (Tensor): [T, G, N, 1]; where it is 0 state and cell stay.
        weights (Tensor): [G, D, 4 D].
        peepholes (Tensor): [G, 1, 3 D], from the cell to input, forget, output.

    Returns:
        Tensor: [T, G, N, D].
    """
    size = weights.shape[1]

    def step(state, x, mask):
        after = lstm_step(x, mask, state, weights, peepholes)
        return after, after[:, :, :size]

    begin = paddle.zeros_like(x[0, :, :, : 2 * size])  # state and cell side by side
    return scan(step, [x, mask], begin)[0]


def lstm_step(x, mask, state, weights, peepholes):
    """i, f = sigmoid(. + p c); c' = f c + i tanh(.); o = sigmoid(. + p c'); h' = o tanh(c'); where mask is 1."""
    hidden, cell = paddle.split(state, 2, axis=-1)
    fresh, enter, forget, leave = paddle.split(x + paddle.matmul(hidden, weights), 4, axis=-1)
    of_enter, of_forget, of_leave = paddle.split(peepholes, 3, axis=-1)
    enter, forget = F.sigmoid(enter + of_enter * cell), F.sigmoid(forget + of_forget * cell)
    new = forget * cell + enter * paddle.tanh(fresh)
    out = F.sigmoid(leave + of_leave * new) * paddle.tanh(new)
    return state + mask * (paddle.concat([out, new], 2) - state)
