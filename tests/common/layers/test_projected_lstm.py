"""The LSTM with projection: the original's operator, and padding."""

import numpy as np
import paddle

from common.layers.projected_lstm import ProjectedLSTM
from tests.common.layers.test_recurrent import golden, padded, unpadded


def test_it_is_the_original_dynamic_lstmp():
    case = golden("dynamic_lstmp")
    lengths = case["inlen/x"].tolist()
    layer = ProjectedLSTM(3, 2)
    for name, key in (("weight", "w_0"), ("projection", "w_1"), ("bias", "b_0")):
        value = case[f"param/lstmp_0.{key}"]
        getattr(layer, name).set_value(value.reshape(getattr(layer, name).shape))
    x, mask = padded(case["in/x"], lengths)
    np.testing.assert_allclose(unpadded(layer(x, mask), lengths), case["out/p"], atol=1e-6)
    assert float(layer(paddle.to_tensor(x), mask)[1, lengths[1] :].abs().max()) == 0


def without_peepholes():
    """One cell and one feature without recurrent weights; cells of at most 1.5, projections by 4 of at most 3."""
    layer = ProjectedLSTM(1, 1, peepholes=False, squash=False, cell_clip=1.5, projection_clip=3.0)
    layer.weight.set_value(np.zeros((1, 4), "float32"))
    layer.projection.set_value(np.full((1, 1), 4, "float32"))
    return layer


def test_cells_and_projections_are_clipped():
    layer = without_peepholes()
    assert layer.bias.shape == [4]
    found, state = layer.run(paddle.full([1, 3, 4], 20.0))  # every gate open, candidate 1: the cell counts steps
    np.testing.assert_allclose(found[0, :, 0].numpy(), [3.0, 3.0, 3.0])  # 4 tanh(1) = 3.046
    np.testing.assert_allclose(state.numpy(), [[3.0, 1.5]])
    layer.projection_clip = None
    found, _ = layer.run(paddle.full([1, 3, 4], 20.0))
    np.testing.assert_allclose(found[0, :, 0].numpy(), 4 * np.tanh([1, 1.5, 1.5]), rtol=1e-6)


def test_a_sequence_in_two_parts_and_in_steps_is_the_whole_sequence():
    paddle.seed(0)
    layer = ProjectedLSTM(4, 3, peepholes=False, squash=False, cell_clip=3.0, projection_clip=3.0)
    x = paddle.randn([2, 5, 16])
    whole, last = layer.run(x)
    first, state = layer.run(x[:, :2])
    second, state = layer.run(x[:, 2:], state=state)
    np.testing.assert_allclose(paddle.concat([first, second], 1).numpy(), whole.numpy(), rtol=1e-6)
    np.testing.assert_allclose(state.numpy(), last.numpy(), rtol=1e-6)
    state = paddle.zeros([2, 7])
    for step in range(5):
        state = layer.step(x[:, step], state)
    np.testing.assert_allclose(state.numpy(), last.numpy(), rtol=1e-6)
    masked, kept = layer.run(x, paddle.to_tensor([[1.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(kept[1, :3].numpy(), whole[1, 1].numpy(), rtol=1e-6)
    assert float(masked[1, 2:].abs().max()) == 0
