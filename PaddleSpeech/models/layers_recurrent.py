"""Recurrent layers with batch-normalised inputs (Deep Speech 2, https://arxiv.org/abs/1512.02595, sections 3.2-3.3).

Simple: h' = min(max(B(W x) + U h + b, 0), 20).  GRU (eq. 11), with reset r and, for the paper's update, 1 - z:
    r = sigmoid(B(W_r x) + U_r h + b_r), z likewise, c = tanh(B(W_c x) + r (U_c h + b_c)), h' = z h + (1 - z) c

Shapes in this file:
    N utterances of T frames (padded), I features of a frame, D of a state, G directions, K gates (1 simple, 3 GRU).
"""

import paddle
from paddle import nn

from common.layers.scan import scan

from .sequence_batch_norm import SequenceBatchNorm, sums_of_rows

CELLS = {"rnn": 1, "gru": 3}
CLIP = 20.0


class InputProjection(nn.Layer):
    """W and its normalisation.

    Args:
        in_channels (int): I.
        out_channels (int): K D.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__()
        xavier = nn.initializer.XavierUniform()
        self.weight = self.create_parameter([out_channels, in_channels], default_initializer=xavier)
        self.norm = SequenceBatchNorm(out_channels)

    def forward(self, x, mask):
        """B(W x), [N, T, K D]."""
        x = paddle.matmul(x, self.weight, transpose_y=True)
        scale, shift = self.norm.affine(sums_of_rows(x, mask) if self.training else None)
        return x * scale + shift

    def folded(self, x, mask):
        """(weight, bias) that do all of it at once, [K D, I] and [K D]."""
        projected = paddle.matmul(x, self.weight, transpose_y=True) if self.training else None
        scale, shift = self.norm.affine(sums_of_rows(projected, mask) if self.training else None)
        return self.weight * scale.unsqueeze(1), shift


class RecurrentWeights(nn.Layer):
    """U and b of one direction.

    Args:
        hidden_size (int): D.
        gates (int): K.
    """

    def __init__(self, hidden_size, gates):
        super().__init__()
        bound = hidden_size**-0.5 if gates == 3 else (3 / hidden_size) ** 0.5
        first = nn.initializer.Uniform(-bound, bound)
        self.weight = self.create_parameter([gates * hidden_size, hidden_size], default_initializer=first)
        self.bias = self.create_parameter([gates * hidden_size], is_bias=True)


class RecurrentLayer(nn.Layer):
    """One layer in one or both directions, side by side.

    Args:
        in_channels (int): I.
        hidden_size (int): D.
        cell (str): gru or rnn.
        directions (int): 1 or 2.
        share (bool): both directions take their inputs through the same weights.
    """

    def __init__(self, in_channels, hidden_size, cell="gru", directions=2, share=False):
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; it is one of {', '.join(CELLS)}")
        if directions not in (1, 2):
            raise ValueError(f"directions is {directions}; it is 1 or 2")
        gates = CELLS[cell]
        self.cell, self.hidden_size, self.out_channels = cell, hidden_size, directions * hidden_size
        self.in_channels, self.directions = in_channels, directions
        projections = 1 if share else directions
        self.inputs = nn.LayerList([InputProjection(in_channels, gates * hidden_size) for _ in range(projections)])
        self.cells = nn.LayerList([RecurrentWeights(hidden_size, gates) for _ in range(directions)])

    def forward(self, x, length, mask, state=None):
        """What the layer makes of every frame, 0 at the padding, and its last state.

        Args:
            x (Tensor): [N, T, I].
            length (Tensor): int64 [N], 1 to T.
            mask (Tensor): float32 [N, T], 1 where a frame is.
            state (Tensor): [G, N, D] before the first frame; zeros by default.

        Returns:
            tuple[Tensor, Tensor]: [N, T, G D] and [G, N, D].
        """
        if state is None:
            count = x.shape[0]  # a fixed number must stay one for the kernel
            state = paddle.zeros([self.directions, paddle.shape(x)[0] if count < 0 else count, self.hidden_size])
        if self.cell == "rnn":
            return self.run_steps(x, mask, state)
        return self.run_kernel(x, length, mask, state)

    def run_steps(self, x, mask, state):
        """:meth:`forward` of simple layers, a loop over the frames."""
        sides = [projection(x, mask) for projection in self.inputs] * (self.directions // len(self.inputs))
        masks = [mask] * self.directions
        if self.directions == 2:
            sides[1], masks[1] = sides[1].flip(1), mask.flip(1)
        sides = paddle.stack(sides, 1).transpose([2, 1, 0, 3])  # [T, G, N, K D]
        masks = paddle.stack(masks, 1).unsqueeze(3).transpose([2, 1, 0, 3])  # [T, G, N, 1]
        weights = paddle.stack([cell.weight for cell in self.cells])  # [G, K D, D]
        biases = paddle.stack([cell.bias for cell in self.cells]).unsqueeze(1)  # [G, 1, K D]

        def step(state, x, mask):
            after = state + mask * (simple_step(x, state, weights, biases) - state)
            return after, after

        hidden, state = scan(step, [sides, masks], state)
        outputs = [hidden[:, 0]] if self.directions == 1 else [hidden[:, 0], hidden[:, 1].flip(0)]
        return paddle.concat(outputs, 2).transpose([1, 0, 2]) * mask.unsqueeze(2), state

    def run_kernel(self, x, length, mask, state):
        """:meth:`forward` of GRUs by the kernel that `nn.GRU` runs, which takes the normalisation in its weights.

        In training the statistics cost the product of inputs and weights a second time.
        """
        folded = [projection.folded(x, mask) for projection in self.inputs] * (self.directions // len(self.inputs))
        weights, biases = [], []
        for (weight, bias), cell in zip(folded, self.cells):
            weights += [weight, cell.weight]
            biases += [bias, cell.bias]
        hidden, _, states = paddle._C_ops.rnn(
            x.transpose([1, 0, 2]),
            [state],
            weights + biases,
            length,
            paddle.zeros([1], dtype="uint8"),  # of dropout, which there is none of
            0.0,
            self.directions == 2,
            self.in_channels,
            self.hidden_size,
            1,
            "GRU",
            0,
            not self.training,
        )
        return hidden.transpose([1, 0, 2]), states[0]


def simple_step(x, state, weights, biases):
    """min(max(x + U h + b, 0), 20) of x and h [G, N, D], U [G, D, D], b [G, 1, D]."""
    return paddle.clip(x + paddle.matmul(state, weights, transpose_y=True) + biases, 0.0, CLIP)
