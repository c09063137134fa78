"""One layer of a GRU from left to right, whose state may be carried on, and the same in both directions.

    r, z = sigmoid(W x + b + U h + d),  c = tanh(W x + b + r (U h + d)),  h' = z h + (1 - z) c

(Cho et al. 2014, https://arxiv.org/abs/1406.1078, with the reset gate behind the recurrent product, as in cuDNN).

Shapes in this file:
    N sequences of T steps (padded), I input features, D features of a state.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.initializers import uniform
from common.layers.recurrent import run_kernel


class GRULayer(nn.Layer):
    """The weights of one direction; gates in the order reset, update, candidate of the framework's GRU.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        init (float | None): weights and biases are uniform in [-init, init]; D ** -0.5 if left out.
    """

    def __init__(self, in_channels, hidden_size, init=None):
        super().__init__()
        self.hidden_size, self.init = hidden_size, init or hidden_size**-0.5
        size = 3 * hidden_size
        shapes = {"weight_ih": [size, in_channels], "weight_hh": [size, hidden_size]}
        for name, shape in (shapes | {"bias_ih": [size], "bias_hh": [size]}).items():
            setattr(self, name, self.create_parameter(shape, attr=uniform(self.init)))

    def step(self, x, state):
        """The state [N, D] behind an input [N, I] and the state [N, D] before it."""
        new = F.linear(x, self.weight_ih.t(), self.bias_ih)
        old = F.linear(state, self.weight_hh.t(), self.bias_hh)
        size = 2 * self.hidden_size
        reset, update = paddle.split(F.sigmoid(new[:, :size] + old[:, :size]), 2, axis=-1)
        candidate = paddle.tanh(new[:, size:] + reset * old[:, size:])
        return candidate + update * (state - candidate)


class TwoWayGRU(nn.Layer):
    """A layer that reads from left to right and one that reads from right to left, side by side.

    Args:
        in_channels (int): I.
        hidden_size (int): D, of both together; an even number.
    """

    def __init__(self, in_channels, hidden_size):
        super().__init__()
        if hidden_size % 2:
            raise ValueError(f"hidden_size is {hidden_size}; it is even, half of it for each direction")
        self.hidden_size = hidden_size
        self.sides = nn.LayerList([GRULayer(in_channels, hidden_size // 2) for _ in range(2)])

    def forward(self, x, length):
        """Runs over whole sequences.

        Args:
            x (Tensor): float32 [N, T, I].
            length (Tensor): int64 [N], 1 to T.

        Returns:
            tuple[Tensor, Tensor]: outputs [N, T, D], 0 at the padding, and the last state of both directions [N, D].
        """
        state = paddle.zeros([2, paddle.shape(x)[0], self.hidden_size // 2])
        weights = [weight for side in self.sides for weight in (side.weight_ih, side.weight_hh)]
        biases = [bias for side in self.sides for bias in (side.bias_ih, side.bias_hh)]
        found, (state,) = run_kernel("GRU", x, [state], weights + biases, length, self.training)
        return found, paddle.concat([state[0], state[1]], -1)
