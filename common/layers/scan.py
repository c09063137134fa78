"""Scan over time steps: a Python loop in dynamic mode, a `while` operator in exported programs.

Shapes in this file:
    T steps.
"""

import paddle


def scan(step, inputs, state):
    """Applies a step function along the first axis of the inputs.

    Args:
        step (callable): (state, one row of each input) -> (state, output).
        inputs (list[Tensor]): each [T, ...], T at least 1.
        state (Tensor): the initial state; its shape is constant.

    Returns:
        tuple[Tensor, Tensor]: the outputs [T, ...] and the final state.
    """
    return scan_eager(step, inputs, state) if paddle.in_dynamic_mode() else scan_static(step, inputs, state)


def scan_eager(step, inputs, state):
    """:func:`scan` in dynamic mode."""
    outputs = []
    for rows in zip(*(paddle.unbind(x) for x in inputs), strict=True):
        state, output = step(state, *rows)
        outputs.append(output)
    return paddle.stack(outputs), state


def scan_static(step, inputs, state):
    """:func:`scan` in a static program; the outputs are scattered into a tensor of the final size."""
    end = paddle.shape(inputs[0])[0].astype("int64")
    _, first = step(state, *[x[0] for x in inputs])
    outputs = paddle.zeros_like(first).unsqueeze(0) * paddle.ones_like(inputs[0]).reshape([end, -1])[:, :1].reshape(
        [end, *[1] * len(first.shape)]
    )

    def unfinished(index, state, outputs):
        return index < end

    def body(index, state, outputs):
        state, output = step(state, *[paddle.index_select(x, index, 0).squeeze(0) for x in inputs])
        return index + 1, state, paddle.scatter(outputs, index, output.unsqueeze(0))

    index = paddle.zeros([1], dtype="int64")
    _, state, outputs = paddle.static.nn.while_loop(unfinished, body, [index, state, outputs])
    return outputs, state
