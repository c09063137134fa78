"""An LSTM whose output is projected (LSTMP; Sak, Senior and Beaufays 2014, https://arxiv.org/abs/1402.1128).

    i, f = sigmoid(x + U r + p s),  s' = f s + i tanh(x + U r),  o = sigmoid(x + U r + p s'),  r' = tanh(W o tanh(s'))

The peepholes p and the last tanh may be left out, and s' and r' be clipped, as in ELMo
(https://arxiv.org/abs/1802.05365).

Shapes in this file:
    N sequences of T steps (padded), D cells, P features of the projection.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from common.layers.scan import scan


class ProjectedLSTM(nn.Layer):
    """The recurrence of an LSTMP over projected inputs.

    The gates are in the order candidate, input, forget, output; with peepholes, the bias ends with those of input,
    forget and output gate.

    Args:
        hidden_size (int): D.
        projection_size (int): P.
        peepholes (bool): from the cell to the gates.
        squash (bool): tanh of the projection.
        cell_clip (float | None): bound of the cells, null for none.
        projection_clip (float | None): bound of the projected outputs, null for none.
    """

    def __init__(self, hidden_size, projection_size, peepholes=True, squash=True, cell_clip=None, projection_clip=None):
        super().__init__()
        self.hidden_size, self.out_channels = hidden_size, projection_size
        self.peepholes, self.squash = peepholes, squash
        self.cell_clip, self.projection_clip = cell_clip, projection_clip
        self.weight = self.create_parameter([projection_size, 4 * hidden_size])
        self.projection = self.create_parameter([hidden_size, projection_size])
        self.bias = self.create_parameter([(7 if peepholes else 4) * hidden_size], is_bias=True)

    def forward(self, x, mask):
        """The projected outputs [N, T, P] of x [N, T, 4 D], 0 where the mask float32 [N, T] is 0."""
        return self.run(x, mask)[0]

    def run(self, x, mask=None, state=None):
        """The outputs and the state behind the last step.

        Args:
            x (Tensor): [N, T, 4 D].
            mask (Tensor | None): float32 [N, T]; where it is 0 the state is kept. None where no sequence is padded.
            state (Tensor | None): [N, P + D], output and cells before the first step; zeros by default.

        Returns:
            tuple[Tensor, Tensor]: [N, T, P], 0 at the padding, and [N, P + D].
        """
        size = self.out_channels
        x = x.transpose([1, 0, 2])
        if state is None:
            state = paddle.concat([x[0, :, :1].expand([-1, size]), x[0, :, : self.hidden_size]], 1) * 0.0

        def step(state, x, mask=None):
            new = self.step(x, state)
            state = new if mask is None else state + mask * (new - state)
            return state, state[:, :size]

        given = [x] if mask is None else [x, mask.transpose([1, 0]).unsqueeze(2)]
        outputs, state = scan(step, given, state)
        outputs = outputs.transpose([1, 0, 2])
        return (outputs if mask is None else outputs * mask.unsqueeze(2)), state

    def step(self, x, state):
        """One step: projected inputs [N, 4 D] and the state [N, P + D] before it give that behind it."""
        r, cell = state[:, : self.out_channels], state[:, self.out_channels :]
        gates = x + self.bias[: 4 * self.hidden_size] + paddle.matmul(r, self.weight)
        candidate, enter, forget, leave = paddle.split(gates, 4, axis=1)
        if self.peepholes:
            to_enter, to_forget, to_leave = paddle.split(self.bias[4 * self.hidden_size :], 3)
            enter, forget = enter + to_enter * cell, forget + to_forget * cell
        new = clipped(F.sigmoid(forget) * cell + F.sigmoid(enter) * paddle.tanh(candidate), self.cell_clip)
        leave = leave + to_leave * new if self.peepholes else leave
        r = paddle.matmul(F.sigmoid(leave) * paddle.tanh(new), self.projection)
        r = clipped(paddle.tanh(r) if self.squash else r, self.projection_clip)
        return paddle.concat([r, new], 1)


def clipped(x, bound):
    """A tensor within [-bound, bound]; as it is without a bound."""
    return x if bound is None else paddle.clip(x, -bound, bound)
