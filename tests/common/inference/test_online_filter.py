"""The filter that is learned while tracking: a direct solution, the Jacobian by differences, labels by hand."""

import numpy as np
import pytest

from common.inference.online_filter import (
    FIRST_SHARE,
    MEMORY,
    OnlineFilter,
    Problem,
    bend,
    conjugate_gradients,
    filter_gradient,
    respond,
)
from common.inference.online_tracks import augmented, gaussian, second_peak


def test_conjugate_gradients_solve_a_small_system():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6))
    matrix, right = root @ root.T + np.eye(6), rng.normal(size=6)
    exact = np.linalg.solve(matrix, right)
    np.testing.assert_allclose(conjugate_gradients(lambda v: matrix @ v, right, 6), exact, rtol=1e-6)
    errors = [np.linalg.norm(conjugate_gradients(lambda v: matrix @ v, right, n) - exact) for n in range(7)]
    assert errors == sorted(errors, reverse=True)
    # by hand: one step from 0 along b is b (b b) / (b A b): 2 / 3 for A = diag(1, 2) and b = (1, 1)
    np.testing.assert_allclose(conjugate_gradients(lambda v: v * [1, 2], np.ones(2), 1), [2 / 3, 2 / 3])


def test_the_response_is_the_correlation_with_zeros_around():
    rng = np.random.default_rng(1)
    maps, filter = rng.normal(size=(3, 2, 5, 6)), rng.normal(size=(3, 4, 4))
    around = np.pad(maps, ((0, 0), (0, 0), (2, 2), (2, 2)))
    expected = np.zeros((2, 6, 7))
    for y, x in np.ndindex(6, 7):
        expected[:, y, x] = (around[:, :, y : y + 4, x : x + 4] * filter[:, None]).sum((0, 2, 3))
    np.testing.assert_allclose(respond(maps, filter), expected, atol=1e-12)
    residuals = rng.normal(size=expected.shape)  # <u, J w> = <J' u, w>
    assert (filter_gradient(maps, residuals, 4) * filter).sum() == pytest.approx((residuals * expected).sum())


def problem(both):
    rng = np.random.default_rng(2)
    features, labels = rng.normal(size=(5 if both else 3, 4, 6, 6)), rng.random((4, 7, 7))
    projection, filter = rng.normal(size=(3, 5)), rng.normal(size=(3, 4, 4)) * 0.1
    return Problem(features, labels, np.array([0.1, 0.2, 0.3, 0.4]), both), projection, filter


@pytest.mark.parametrize("both", [True, False])
def test_the_jacobian_is_that_of_finite_differences_and_its_transposed(both):
    least, projection, filter = problem(both)
    least.step(projection, filter, 0)  # sets the point
    rng = np.random.default_rng(3)
    vector = rng.normal(size=least.join(projection, filter).shape)

    def residuals(variables):
        a, w = least.split(variables)
        return least.roots * bend(respond(least.features, np.tensordot(a.T, w, 1) if both else w))

    at, step = least.join(projection, filter), 1e-6
    expected = (residuals(at + step * vector) - residuals(at - step * vector)) / (2 * step)
    np.testing.assert_allclose(least.forward(vector), expected, atol=1e-6 * np.abs(expected).max())
    u = rng.normal(size=expected.shape)
    assert (least.forward(vector) * u).sum() == pytest.approx(least.transposed(u) @ vector)


def test_a_step_that_learns_the_filter_alone_solves_the_normal_equations():
    least, projection, _ = problem(False)
    zero = np.zeros((3, 4, 4))  # about zero the activation is the identity
    _, found = least.step(projection, zero, 200)
    columns = np.stack(
        [(least.roots * respond(least.features, one)).ravel() for one in np.eye(48).reshape(48, 3, 4, 4)], 1
    )
    right = columns.T @ (least.roots * least.labels).ravel()
    np.testing.assert_allclose(found.ravel(), np.linalg.solve(columns.T @ columns + 0.1 * np.eye(48), right), atol=1e-8)


def test_responses_below_zero_are_bent():
    np.testing.assert_allclose(bend(np.array([2.0, 0.0, -0.05, -9.0])), [2, 0, 0.05 * (np.exp(-1) - 1), -0.05])


def test_joint_learning_lowers_the_error_and_the_memory_is_limited():
    rng = np.random.default_rng(5)
    features = rng.normal(size=(6, 8, 6, 6)).astype(np.float32)
    labels = np.stack([gaussian(7, shift, (16, 16)) for shift in rng.uniform(-30, 30, (6, 2))])
    learned = OnlineFilter(rng.normal(size=(4, 8)), 4)
    learned.begin(features, labels)
    error = bend(respond(np.stack(learned.maps, 1), learned.filter)) - labels
    assert (error**2).mean() < 0.6 * (labels**2).mean()
    for number in range(MEMORY):
        learned.add(features[number % 6], labels[number % 6], 0.05)
    assert len(learned.maps) == len(learned.labels) == len(learned.weights) == MEMORY
    assert learned.weights.sum() == pytest.approx(1)
    assert learned.weights[:6].sum() == pytest.approx(FIRST_SHARE, rel=0.1)
    np.testing.assert_allclose(learned.maps[0], np.tensordot(learned.projection, features[0], 1), rtol=1e-5)


def test_labels_lie_where_the_object_is():
    label = gaussian(5, np.array([16.0, -32.0]), (16, 64))
    assert np.unravel_index(label.argmax(), label.shape) == (0, 3) and label.max() == 1
    assert label[0, 2] == pytest.approx(np.exp(-(16**2) / (2 * 8.0**2)))  # sigma is a quarter of sqrt(16 * 64)


def test_a_second_peak_is_sought_beyond_the_neighborhood():
    response = np.zeros((5, 5))
    response[2, 2], response[2, 3], response[0, 4] = 1.0, 0.9, 0.4
    assert second_peak(response, (16, 16)) == 0.4  # 17.6 pixels to both sides are of the first one
    assert second_peak(response, (90, 90)) == -np.inf


def test_shifted_crops_have_the_object_where_their_label_is():
    image = np.zeros((3, 64, 64), np.float32)
    image[:, 28:36, 24:40] = 1
    images, shifts = augmented(image, np.array([16.0, 8.0]))
    assert len(images) == len(shifts) == 23
    for one, shift in zip(images[-4:], shifts[-4:]):
        rows, columns = np.nonzero(one[0] > 0.5)
        assert (columns.min() + columns.max() + 1) / 2 - 32 == pytest.approx(shift[0], abs=1)
        assert (rows.min() + rows.max() + 1) / 2 - 32 == pytest.approx(shift[1], abs=1)
