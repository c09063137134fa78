"""Recurrent layers over padded sequences, in one direction or in both, whose outputs are concatenated.

    GRU            Cho et al. 2014 (https://arxiv.org/abs/1406.1078, eq. 5-8): reset gate before the recurrent product
        u, r = sigmoid(x + U h),  c = tanh(x + U (r h)),  h' = (1 - u) h + u c; ReLU may take the place of tanh
    ResetAfterGRU  Deep Speech 2 (https://arxiv.org/abs/1512.02595, eq. 11), as in cuDNN; z is 1 minus its update
        r, z = sigmoid(x + U h + b),  c = tanh(x + r (U h + b)),  h' = z h + (1 - z) c
    PeepholeLSTM   Gers et al. 2002, with peepholes p from the cell to the gates
        i, f = sigmoid(x + U h + p s),  s' = f s + i tanh(x + U h),  o = sigmoid(x + U h + p s'),  h' = o tanh(s')
    ClippedRNN     Deep Speech 2, section 3.1
        h' = min(max(x + U h + b, 0), 20)

x stands for the projected input of the gate in question.

Shapes in this file:
    N sequences of T steps (padded), I input features, D features of a state, G directions, K gates (1 simple, 3 GRU,
    4 LSTM).
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.scan import scan

CLIP = 20.0
ACTIVATIONS = {"tanh": paddle.tanh, "relu": F.relu}  # of a GRU's candidate


class RecurrentLayer(nn.Layer):
    """Projects the inputs, runs the recurrence in each direction and concatenates the outputs.

    A child class defines :meth:`run`, or :meth:`forward` where a kernel does all of it.

    Args:
        inputs (list[Layer]): projections of (x [N, T, I], mask [N, T]) to [N, T, K D]: one per direction, or one that
            both directions share.
        cells (list[Layer]): recurrent weights, one per direction; the second direction reads from right to left.
        hidden_size (int): D.
    """

    def __init__(self, inputs, cells, hidden_size):
        super().__init__()
        if len(cells) not in (1, 2):
            raise ValueError(f"directions is {len(cells)}; it is 1 or 2")
        self.inputs, self.cells = nn.LayerList(inputs), nn.LayerList(cells)
        self.hidden_size, self.out_channels = hidden_size, len(cells) * hidden_size

    def forward(self, x, length, mask, state=None):
        """The outputs of every step, 0 at the padding, and the last state.

        Args:
            x (Tensor): [N, T, I].
            length (Tensor): int64 [N], 1 to T.
            mask (Tensor): float32 [N, T], 1 for a step, 0 for padding.
            state (Tensor): [G, N, D] before the first step (an LSTM's is [G, N, 2 D]); zeros by default.

        Returns:
            tuple[Tensor, Tensor]: [N, T, G D], and a state of the same shape as before.
        """
        sides, masks = self.project(x, mask), [mask] * len(self.cells)
        if len(sides) == 2:
            sides, masks = [sides[0], sides[1].flip(1)], [mask, mask.flip(1)]
        x = paddle.stack(sides, 1).transpose([2, 1, 0, 3])  # [T, G, N, K D]
        masks = paddle.stack(masks, 1).unsqueeze(3).transpose([2, 1, 0, 3])  # [T, G, N, 1]
        hidden, state = self.run(x, masks, state)
        outputs = [hidden[:, 0]] if len(sides) == 1 else [hidden[:, 0], hidden[:, 1].flip(0)]
        return paddle.concat(outputs, 2).transpose([1, 0, 2]) * mask.unsqueeze(2), state

    def project(self, x, mask):
        """The projected inputs of each direction, G tensors [N, T, K D]."""
        return [projection(x, mask) for projection in self.inputs] * (len(self.cells) // len(self.inputs))

    def run(self, x, mask, state):
        """The outputs [T, G, N, D] and the last state for projected inputs [T, G, N, K D] and a mask [T, G, N, 1]."""
        raise NotImplementedError(f"{type(self).__name__} does not define run")


class GRU(RecurrentLayer):
    """A GRU whose reset gate acts on the state before the recurrent product.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        directions (int): 1 or 2.
        init (float | ParamAttr): initial weights are uniform in [-init, init], or as the attribute says.
        bias (ParamAttr | None): of the biases of the recurrence, which are 0 at first if left out.
        activation (str): of the candidate, `tanh` or `relu`.
        project_bias (bool): whether the projections of the inputs have biases of their own.
    """

    gates = 3

    def __init__(
        self, in_channels, hidden_size, directions=2, init=0.1, bias=None, activation="tanh", project_bias=True
    ):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; it is {' or '.join(ACTIVATIONS)}")
        size = self.gates * hidden_size
        init, given = (init if isinstance(init, paddle.ParamAttr) else uniform(init)), None if project_bias else False
        inputs = [nn.Linear(in_channels, size, init, given) for _ in range(directions)]
        super().__init__(inputs, [self.make_cell(hidden_size, init, bias) for _ in range(directions)], hidden_size)
        self.activation = activation

    @staticmethod
    def make_cell(hidden_size, init, bias):
        """The recurrent weights of one direction."""
        return GRUWeights(hidden_size, init, bias)

    def project(self, x, mask):
        """See RecurrentLayer; the biases of a cell are split between projection and recurrence."""
        size = self.gates * self.hidden_size
        return [linear(x) + cell.bias[:size] for linear, cell in zip(self.inputs, self.cells)]

    def run(self, x, mask, state):
        """See RecurrentLayer."""
        gates = paddle.stack([cell.gates() for cell in self.cells])
        candidate = paddle.stack([cell.candidate() for cell in self.cells])
        return run_gru(x, mask, gates, candidate, state, ACTIVATIONS[self.activation])


class PeepholeLSTM(GRU):
    """An LSTM with peephole connections.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        directions (int): 1 or 2.
        init (float): initial weights are uniform in [-init, init].
    """

    gates = 4

    def __init__(self, in_channels, hidden_size, directions=2, init=0.1):
        super().__init__(in_channels, hidden_size, directions, init)

    @staticmethod
    def make_cell(hidden_size, init, bias):
        """The recurrent weights of one direction."""
        return LSTMWeights(hidden_size, init)

    def run(self, x, mask, state):
        """See RecurrentLayer."""
        weights = paddle.stack([cell.weight for cell in self.cells])
        peepholes = paddle.stack([cell.bias[4 * self.hidden_size :] for cell in self.cells]).unsqueeze(1)
        return run_lstm(x, mask, weights, peepholes, state)


class ClippedRNN(RecurrentLayer):
    """A simple recurrent layer with a clipped ReLU.

    Args:
        inputs (list[Layer]): projections, see RecurrentLayer.
        hidden_size (int): D.
        directions (int): 1 or 2.
    """

    gates = 1

    def __init__(self, inputs, hidden_size, directions):
        bound = (3 / hidden_size) ** 0.5
        super().__init__(inputs, [CellWeights(hidden_size, 1, bound) for _ in range(directions)], hidden_size)

    def run(self, x, mask, state):
        """See RecurrentLayer."""
        weights = paddle.stack([cell.weight for cell in self.cells])  # [G, D, D]
        biases = paddle.stack([cell.bias for cell in self.cells]).unsqueeze(1)  # [G, 1, D]

        def step(state, x, mask):
            state = state + mask * (clipped_step(x, state, weights, biases) - state)
            return state, state

        return scan(step, [x, mask], paddle.zeros_like(x[0]) if state is None else state)


class ResetAfterGRU(RecurrentLayer):
    """A GRU whose reset gate acts after the recurrent product, run by the kernel of `nn.GRU`.

    The kernel projects the inputs itself, so a projection also defines `folded(x, mask)`: the weight [K D, I] and the
    bias [K D] that equal it.

    Args:
        inputs (list[Layer]): projections, see RecurrentLayer.
        hidden_size (int): D.
        directions (int): 1 or 2.
    """

    gates = 3

    def __init__(self, inputs, hidden_size, directions):
        bound = hidden_size**-0.5
        super().__init__(inputs, [CellWeights(hidden_size, 3, bound) for _ in range(directions)], hidden_size)

    def forward(self, x, length, mask, state=None):
        """See RecurrentLayer."""
        directions, count = len(self.cells), x.shape[0]
        if state is None:  # a batch size that is fixed must stay a number for the kernel
            state = paddle.zeros([directions, paddle.shape(x)[0] if count < 0 else count, self.hidden_size])
        folded = [projection.folded(x, mask) for projection in self.inputs] * (directions // len(self.inputs))
        weights, biases = [], []
        for (weight, bias), cell in zip(folded, self.cells):
            weights += [weight, cell.weight]
            biases += [bias, cell.bias]
        hidden, (state,) = run_kernel("GRU", x, [state], weights + biases, length, self.training)
        return hidden, state


class GRUWeights(nn.Layer):
    """The recurrent weights of one direction, in the memory layout of the original `dynamic_gru`.

    Args:
        hidden_size (int): D.
        init (ParamAttr): of the weights.
        bias (ParamAttr | None): of the biases.
    """

    def __init__(self, hidden_size, init, bias=None):
        super().__init__()
        self.hidden_size = hidden_size
        self.weight = self.create_parameter([hidden_size, 3 * hidden_size], attr=init)
        self.bias = self.create_parameter([3 * hidden_size], attr=bias, is_bias=True)

    def gates(self):
        """The weights of update and reset gate, [D, 2 D]: the first two thirds of the memory."""
        d = self.hidden_size
        return self.weight.reshape([-1])[: 2 * d * d].reshape([d, 2 * d])

    def candidate(self):
        """The weights of the candidate, [D, D]: the last third."""
        d = self.hidden_size
        return self.weight.reshape([-1])[2 * d * d :].reshape([d, d])

    def step(self, x, state):
        """The state [N, D] after one step, of projected inputs [N, 3 D] and the state before it."""
        size, x = 2 * self.hidden_size, (x + self.bias).unsqueeze(0)
        gates, candidate = self.gates().unsqueeze(0), self.candidate().unsqueeze(0)
        return gru_step(x[:, :, :size], x[:, :, size:], 1.0, state.unsqueeze(0), gates, candidate)[0]


class LSTMWeights(nn.Layer):
    """The recurrent weights of one direction: candidate, input, forget, output; the bias ends with three peepholes.

    Args:
        hidden_size (int): D.
        init (ParamAttr): of the weights.
    """

    def __init__(self, hidden_size, init):
        super().__init__()
        self.weight = self.create_parameter([hidden_size, 4 * hidden_size], attr=init)
        self.bias = self.create_parameter([7 * hidden_size], is_bias=True)


class CellWeights(nn.Layer):
    """The recurrent weights of one direction, U [K D, D] and b [K D].

    Args:
        hidden_size (int): D.
        gates (int): K.
        bound (float): initial weights are uniform in [-bound, bound].
    """

    def __init__(self, hidden_size, gates, bound):
        super().__init__()
        first = nn.initializer.Uniform(-bound, bound)
        self.weight = self.create_parameter([gates * hidden_size, hidden_size], default_initializer=first)
        self.bias = self.create_parameter([gates * hidden_size], is_bias=True)


def run_kernel(kind, x, states, weights, length, training):
    """Runs one layer by the framework's kernel of `nn.GRU` and `nn.LSTM`.

    Args:
        kind (str): GRU or LSTM.
        x (Tensor): [N, T, I].
        states (list[Tensor]): [G, N, D] each before the first step: the state, of an LSTM output and cell.
        weights (list[Tensor]): for each direction [K D, I] and [K D, D], then for each both biases [K D].
        length (Tensor | None): int64 [N]; None where no sequence is padded.
        training (bool): keeps what the gradients need.

    Returns:
        tuple[Tensor, list[Tensor]]: outputs [N, T, G D], 0 at the padding, and the last states.
    """
    directions, hidden = len(weights) // 4, weights[1].shape[1]
    dropout_state = paddle.zeros([1], dtype="uint8")  # of a dropout that is not used
    found, _, states = paddle._C_ops.rnn(
        x.transpose([1, 0, 2]),
        states,
        weights,
        length,
        dropout_state,
        0.0,
        directions == 2,
        weights[0].shape[1],
        hidden,
        1,
        kind,
        0,
        not training,
    )
    return found.transpose([1, 0, 2]), states


def run_gru(x, mask, gates, candidate, state=None, activation=paddle.tanh):
    """The states of G independent GRUs after every step.

    Args:
        x (Tensor): [T, G, N, 3 D], projected inputs: update, reset, candidate.
        mask (Tensor): [T, G, N, 1]; where it is 0 the state is kept.
        gates (Tensor): [G, D, 2 D], recurrent weights of update and reset.
        candidate (Tensor): [G, D, D], recurrent weights of the candidate.
        state (Tensor): [G, N, D] before the first step; zeros by default.
        activation (callable): of the candidate.

    Returns:
        tuple[Tensor, Tensor]: [T, G, N, D] and the last state [G, N, D].
    """
    size = candidate.shape[1]
    x_gates, x_candidate = x[:, :, :, : 2 * size], x[:, :, :, 2 * size :]

    def step(state, x_gates, x_candidate, mask):
        state = gru_step(x_gates, x_candidate, mask, state, gates, candidate, activation)
        return state, state

    return scan(step, [x_gates, x_candidate, mask], paddle.zeros_like(x_candidate[0]) if state is None else state)


def gru_step(x_gates, x_candidate, mask, state, gates, candidate, activation=paddle.tanh):
    """One step of :func:`run_gru`: the state [G, N, D] after it."""
    update, reset = paddle.split(F.sigmoid(x_gates + paddle.matmul(state, gates)), 2, axis=-1)
    new = activation(x_candidate + paddle.matmul(reset * state, candidate))
    return state + mask * update * (new - state)


def run_lstm(x, mask, weights, peepholes, state=None):
    """The outputs of G independent LSTMs after every step.

    Args:
        x (Tensor): [T, G, N, 4 D], projected inputs: candidate, input, forget, output.
        mask (Tensor): [T, G, N, 1]; where it is 0 output and cell state are kept.
        weights (Tensor): [G, D, 4 D].
        peepholes (Tensor): [G, 1, 3 D], from the cell to input, forget and output gate.
        state (Tensor): [G, N, 2 D], output and cell state before the first step; zeros by default.

    Returns:
        tuple[Tensor, Tensor]: [T, G, N, D] and the last output and cell state [G, N, 2 D].
    """
    size = weights.shape[1]

    def step(state, x, mask):
        state = lstm_step(x, mask, state, weights, peepholes)
        return state, state[:, :, :size]

    return scan(step, [x, mask], paddle.zeros_like(x[0, :, :, : 2 * size]) if state is None else state)


def lstm_step(x, mask, state, weights, peepholes):
    """One step of :func:`run_lstm`: output and cell state [G, N, 2 D] after it."""
    hidden, cell = paddle.split(state, 2, axis=-1)
    candidate, enter, forget, leave = paddle.split(x + paddle.matmul(hidden, weights), 4, axis=-1)
    to_enter, to_forget, to_leave = paddle.split(peepholes, 3, axis=-1)
    enter, forget = F.sigmoid(enter + to_enter * cell), F.sigmoid(forget + to_forget * cell)
    new = forget * cell + enter * paddle.tanh(candidate)
    out = F.sigmoid(leave + to_leave * new) * paddle.tanh(new)
    return state + mask * (paddle.concat([out, new], 2) - state)


def clipped_step(x, state, weights, biases):
    """min(max(x + U h + b, 0), 20) of x and h [G, N, D], U [G, D, D], b [G, 1, D]."""
    return paddle.clip(x + paddle.matmul(state, weights, transpose_y=True) + biases, 0.0, CLIP)
