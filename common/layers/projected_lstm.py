"""An LSTM with peepholes whose output is projected (LSTMP; Sak, Senior and Beaufays 2014, https://arxiv.org/abs/1402.1128).

    i, f = sigmoid(x + U r + p s),  s' = f s + i tanh(x + U r),  o = sigmoid(x + U r + p s'),  r' = tanh(W o tanh(s'))

Shapes in this file:
    N sequences of T steps (padded), D cells, P features of the projection.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.scan import scan


class ProjectedLSTM(nn.Layer):
    """The recurrence of an LSTMP over projected inputs.

    The gates are in the order candidate, input, forget, output; the bias ends with the peepholes of input, forget and
    output gate.

    Args:
        hidden_size (int): D.
        projection_size (int): P.
    """

    def __init__(self, hidden_size, projection_size):
        super().__init__()
        self.hidden_size, self.out_channels = hidden_size, projection_size
        self.weight = self.create_parameter([projection_size, 4 * hidden_size])
        self.projection = self.create_parameter([hidden_size, projection_size])
        self.bias = self.create_parameter([7 * hidden_size], is_bias=True)

    def forward(self, x, mask):
        """The projected outputs [N, T, P] of x [N, T, 4 D], 0 where the mask float32 [N, T] is 0."""
        gates, peepholes = self.bias[: 4 * self.hidden_size], self.bias[4 * self.hidden_size :]
        to_enter, to_forget, to_leave = paddle.split(peepholes, 3)
        size = self.out_channels

        def step(state, x, mask):
            r, cell = state[:, :size], state[:, size:]
            candidate, enter, forget, leave = paddle.split(x + paddle.matmul(r, self.weight), 4, axis=1)
            enter, forget = F.sigmoid(enter + to_enter * cell), F.sigmoid(forget + to_forget * cell)
            new = forget * cell + enter * paddle.tanh(candidate)
            out = F.sigmoid(leave + to_leave * new) * paddle.tanh(new)
            r = paddle.tanh(paddle.matmul(out, self.projection))
            state = state + mask * (paddle.concat([r, new], 1) - state)
            return state, state[:, :size]

        x = (x + gates).transpose([1, 0, 2])
        start = paddle.concat([x[0, :, :1].expand([-1, size]), x[0, :, : self.hidden_size]], 1) * 0.0
        outputs, _ = scan(step, [x, mask.transpose([1, 0]).unsqueeze(2)], start)
        return outputs.transpose([1, 0, 2]) * mask.unsqueeze(2)
