"""LSTM layers on top of each other, from left to right, whose state may be carried on.

Hochreiter and Schmidhuber 1997 with forget gates (Gers et al. 2000), as Zaremba et al. 2014
(https://arxiv.org/abs/1409.2329, section 3) regularize it: dropout on what goes up, never on what goes on in time.
    i, f, o = sigmoid(W x + U h + b),  c' = f c + i tanh(W x + U h + b),  h' = o tanh(c')

Shapes in this file:
    N sequences of T steps, I input features, D features of a state, L layers.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.recurrent import run_kernel


class StackedLSTM(nn.Layer):
    """L layers, run by the kernel of `nn.LSTM`; one bias a gate.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        layers (int): L.
        dropout (float): of the input of each layer, and of the output of the last one.
        init (float): initial weights and biases are uniform in [-init, init].
    """

    def __init__(self, in_channels, hidden_size, layers=1, dropout=0.0, init=0.1):
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers is {layers}; an LSTM has 1 or more")
        self.hidden_size, self.dropout = hidden_size, dropout
        sizes = [in_channels] + [hidden_size] * (layers - 1)
        self.layers = nn.LayerList([LSTMLayer(size, hidden_size, init) for size in sizes])

    def zero_state(self, count):
        """The state before the first of `count` sequences (int or int tensor), float32 [N, L, 2 D]."""
        return paddle.zeros([count, len(self.layers), 2 * self.hidden_size])

    def forward(self, x, state, length=None):
        """Runs over whole sequences.

        Args:
            x (Tensor): float32 [N, T, I].
            state (Tensor): float32 [N, L, 2 D], output and cell of each layer before the first step.
            length (Tensor): int64 [N], 1 to T, where sequences are padded.

        Returns:
            tuple[Tensor, Tensor]: outputs of the last layer [N, T, D], 0 at the padding, and the state after the last
                step of each sequence.
        """
        after = []
        for number, layer in enumerate(self.layers):
            x, last = layer(self.drop(x), state[:, number], length)
            after.append(last)
        return self.drop(x), paddle.stack(after, 1)

    def step(self, x, state):
        """One step: float32 [N, I], [N, L, 2 D] -> output [N, D], state [N, L, 2 D]."""
        after = []
        for number, layer in enumerate(self.layers):
            x, last = layer.step(self.drop(x), state[:, number])
            after.append(last)
        return self.drop(x), paddle.stack(after, 1)

    def drop(self, x):
        """Dropout of what goes up."""
        return F.dropout(x, self.dropout, training=self.training) if self.dropout else x


class LSTMLayer(nn.Layer):
    """One layer; weights in the order input, forget, candidate, output of the framework's LSTM.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        init (float): see StackedLSTM.
    """

    def __init__(self, in_channels, hidden_size, init):
        super().__init__()
        self.hidden_size = hidden_size
        shapes = {"weight_ih": [4 * hidden_size, in_channels], "weight_hh": [4 * hidden_size, hidden_size]}
        for name, shape in (shapes | {"bias": [4 * hidden_size]}).items():
            setattr(self, name, self.create_parameter(shape, attr=uniform(init)))

    def forward(self, x, state, length=None):
        """Outputs [N, T, D] and the last state [N, 2 D] of inputs [N, T, I] and the state before them."""
        hidden, cell = paddle.split(state.unsqueeze(0), 2, axis=-1)
        weights = [self.weight_ih, self.weight_hh, self.bias, paddle.zeros_like(self.bias)]
        found, after = run_kernel("LSTM", x, [hidden, cell], weights, length, self.training)
        return found, paddle.concat(after, -1).squeeze(0)

    def step(self, x, state):
        """One step: [N, I], [N, 2 D] -> output [N, D], state [N, 2 D]."""
        hidden, cell = paddle.split(state, 2, axis=-1)
        gates = F.linear(x, self.weight_ih.t(), self.bias) + F.linear(hidden, self.weight_hh.t())
        enter, forget, candidate, leave = paddle.split(gates, 4, axis=-1)
        cell = F.sigmoid(forget) * cell + F.sigmoid(enter) * paddle.tanh(candidate)
        hidden = F.sigmoid(leave) * paddle.tanh(cell)
        return hidden, paddle.concat([hidden, cell], -1)
