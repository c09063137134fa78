"""The 8-bit grid and fake quantization, against numbers worked out by hand."""

import numpy as np
import paddle
import pytest

from PaddleSlim.models.quantize.fake_quantize import (
    abs_max_scales,
    fake_quantize,
    grid,
    min_mse_scales,
    round_half_even,
    straight_through,
)


def tensor(values, **settings):
    return paddle.to_tensor(np.array(values, "float32"), **settings)


@pytest.mark.parametrize(
    ("low", "high", "scale", "lowest"),
    [
        (0.0, 2.55, 0.01, 0),  # after a ReLU: all 256 levels are positive
        (-1.0, 1.55, 0.01, -100),
        (-2.55, 0.0, 0.01, -255),
        (0.5, 2.55, 0.01, 0),  # 0 is always on the grid
        (-2.55, -1.0, 0.01, -255),
        (-0.014, 2.536, 0.01, -1),  # -1.4 steps below 0 become 1
        (0.0, 0.0, 1e-8, 0),
    ],
)
def test_a_range_becomes_256_steps_with_zero_among_them(low, high, scale, lowest):
    found = grid(low, high)
    assert found[0] == pytest.approx(scale) and found[1] == lowest


def test_rounding_is_to_the_nearest_integer_with_ties_to_even():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -7.51, 254.5, 1000.4], "float32")
    np.testing.assert_array_equal(round_half_even(tensor(x)).numpy(), np.rint(x))


def test_values_are_rounded_to_the_grid_and_clipped_to_its_ends():
    # steps of 0.5 from -1 to 1.5: 0.6 -> 1.2 steps -> 0.5; -0.3 -> -0.6 steps -> -0.5; 9 and -9 -> the ends
    got = fake_quantize(tensor([0.6, -0.3, 0.0, 9.0, -9.0]), tensor([0.5]), tensor([-2.0]), tensor([3.0]))
    np.testing.assert_allclose(got.numpy(), [0.5, -0.5, 0.0, 1.5, -1.0])


def test_values_on_the_grid_stay():
    x = tensor(np.arange(-5, 6) * 0.25)
    np.testing.assert_array_equal(fake_quantize(x, tensor([0.25]), -127.0, 127.0).numpy(), x.numpy())


def test_the_gradient_is_1_inside_the_range_and_0_outside():
    x = tensor([0.6, -0.3, 9.0, -9.0], stop_gradient=False)
    y = straight_through(x, tensor([0.5]), tensor([-2.0]), tensor([3.0]))
    (y * tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    np.testing.assert_allclose(y.numpy(), [0.5, -0.5, 1.5, -1.0])
    np.testing.assert_allclose(x.grad.numpy(), [1.0, 2.0, 0.0, 0.0])


def test_the_gradient_of_a_trainable_scale_is_the_distance_to_the_grid():
    # in steps of 0.5: 1.2 is 0.2 above its level (-0.2); past the end of 3 steps the scale moves the end (3)
    scale = tensor([0.5], stop_gradient=False)
    straight_through(tensor([0.6, 9.0]), scale, tensor([-2.0]), tensor([3.0])).sum().backward()
    np.testing.assert_allclose(scale.grad.numpy(), [-0.2 + 3], rtol=1e-5)


def test_the_abs_max_scale_maps_the_largest_magnitude_to_127():
    weight = tensor([[[[1.27, -0.5]]], [[[0.1, -2.54]]], [[[0.0, 0.0]]]])  # [3, 1, 1, 2]
    np.testing.assert_allclose(abs_max_scales(weight, 0).numpy(), [0.01, 0.02, 1e-8], rtol=1e-6)
    np.testing.assert_allclose(abs_max_scales(tensor([[1.27, 0.1], [-0.5, -2.54]]), 1).numpy(), [0.01, 0.02], rtol=1e-6)


def test_the_min_mse_scale_is_the_best_of_all_candidates():
    weight = np.random.default_rng(0).standard_t(2, (3, 40)).astype("float32")  # heavy tails
    found = min_mse_scales(tensor(weight), 0, steps=20, least=0.4).numpy()
    for channel, scale in zip(weight, found):
        widest = np.abs(channel).max() / 127
        tried = [widest * share for share in np.linspace(1, 0.4, 20)]
        errors = [((np.clip(np.rint(channel / s), -127, 127) * s - channel) ** 2).sum() for s in tried]
        assert scale == pytest.approx(tried[int(np.argmin(errors))], rel=1e-5)
