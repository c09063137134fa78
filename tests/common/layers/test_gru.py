"""GRU layers: steps equal whole sequences, and padding changes nothing."""

import numpy as np
import paddle
import pytest

from common.layers.gru import GRULayer, TwoWayGRU


def test_steps_are_the_sequence_of_both_directions_and_padding_is_not_read():
    paddle.seed(0)
    net = TwoWayGRU(3, 4)
    x, length = paddle.randn([2, 5, 3]), paddle.to_tensor([5, 3])
    outputs, last = net(x, length)
    for row, count in enumerate((5, 3)):
        for side, order in enumerate((range(count), range(count - 1, -1, -1))):
            state, part = paddle.zeros([1, 2]), slice(2 * side, 2 * side + 2)
            for place in order:
                state = net.sides[side].step(x[row : row + 1, place], state)
                np.testing.assert_allclose(outputs[row, place, part].numpy(), state[0].numpy(), atol=1e-6)
            np.testing.assert_allclose(last[row, part].numpy(), state[0].numpy(), atol=1e-6)
    assert not outputs[1, 3:].numpy().any()
    with pytest.raises(ValueError, match="hidden_size is 5"):
        TwoWayGRU(3, 5)


def test_the_step_is_the_formula_of_the_framework():
    paddle.seed(1)
    layer = GRULayer(3, 4)
    other = paddle.nn.GRUCell(3, 4)
    other.set_state_dict(layer.state_dict())
    x, state = paddle.randn([2, 3]), paddle.randn([2, 4])
    np.testing.assert_allclose(layer.step(x, state).numpy(), other(x, state)[0].numpy(), atol=1e-6)
