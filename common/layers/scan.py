"""A loop over time that also exports: what a Python loop computes, as a `while` of the program where one is written.

Shapes in this file:
    T steps.
"""

import paddle


def scan(step, inputs, state):
    """Takes a step for each row of the inputs.

    Args:
        step (callable): (state, one row of each input) -> (state, output).
        inputs (list[Tensor]): each [T, ...], T at least 1.
        state (Tensor): before the first step; it keeps its shape.

    Returns:
        tuple[Tensor, Tensor]: the outputs [T, ...] and the last state.
    """
    return scan_now(step, inputs, state) if paddle.in_dynamic_mode() else scan_program(step, inputs, state)


def scan_now(step, inputs, state):
    """:func:`scan` where tensors hold numbers."""
    outputs = []
    for rows in zip(*(paddle.unbind(x) for x in inputs), strict=True):
        state, output = step(state, *rows)
        outputs.append(output)
    return paddle.stack(outputs), state


def scan_program(step, inputs, state):
    """:func:`scan` where a program is being written; the outputs are put into a tensor of their final size."""
    end = paddle.shape(inputs[0])[0].astype("int64")
    _, first = step(state, *[x[0] for x in inputs])
    held = paddle.zeros_like(first).unsqueeze(0) * paddle.ones_like(inputs[0]).reshape([end, -1])[:, :1].reshape(
        [end, *[1] * len(first.shape)]
    )

    def unfinished(place, state, held):
        return place < end

    def body(place, state, held):
        state, output = step(state, *[paddle.index_select(x, place, 0).squeeze(0) for x in inputs])
        return place + 1, state, paddle.scatter(held, place, output.unsqueeze(0))

    place = paddle.zeros([1], dtype="int64")
    _, state, held = paddle.static.nn.while_loop(unfinished, body, [place, state, held])
    return held, state
