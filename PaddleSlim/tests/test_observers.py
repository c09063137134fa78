"""Observers: each method against numbers worked out by hand, or against an exhaustive search."""

import numpy as np
import pytest

from common.errors import Diverged
from PaddleSlim.models.quantize.observers import (
    HALF,
    Observer,
    divergence,
    least_divergence_of,
    percentile_of,
    squared_error,
)


def observe(*batches, **settings):
    observer = Observer(**settings)
    for batch in batches:
        observer.update(np.array(batch, "float32"))
    return observer


def test_the_extremes_of_all_batches_are_tracked():
    assert observe([0.5, 2.0], [-1.0, 1.0]).range("abs_max") == (-1.0, 2.0)


def test_a_range_is_clipped_to_the_observed_values_and_contains_zero():
    assert observe([1.0, 2.0]).range("abs_max") == (0.0, 2.0)
    assert observe([0.0, 0.0]).range("mse") == (0.0, 0.0)


def test_the_moving_average_takes_a_tenth_of_each_batch():
    # 4, then 0.9 * 4 + 0.1 * 2 = 3.8, then 0.9 * 3.8 + 0.1 * 8 = 4.22
    assert observe([-4.0, 1.0], [2.0], [8.0], momentum=0.9).range("moving_average") == (-4.0, pytest.approx(4.22))


def test_bins_are_merged_in_pairs_and_keep_all_counts():
    observer = observe([1.0, -1.0, 0.25])
    assert observer.reach == 1.0
    observer.update(np.array([3.0], "float32"))
    assert observer.reach == 4.0 and observer.counts.sum() == 4
    edges = np.linspace(-4, 4, 2 * HALF + 1)
    for value in (1.0, -1.0, 0.25, 3.0):
        near = (edges[:-1] <= value + 0.01) & (edges[1:] >= value - 0.01)
        assert observer.counts[near].sum() == 1


def test_magnitudes_fold_the_negative_side():
    observer = observe([-0.999, 0.999, 1.0, 0.0001])
    assert observer.magnitudes()[0] == 1 and observer.magnitudes()[-3:].sum() == 3


def test_a_percentile_is_the_edge_that_covers_enough():
    counts = np.array([50.0, 30.0, 15.0, 5.0])  # bins of 0.25
    assert percentile_of(counts, 1.0, 80) == 0.5
    assert percentile_of(counts, 1.0, 81) == 0.75
    assert percentile_of(counts, 1.0, 100) == 1.0


def test_the_squared_error_is_that_of_rounding_to_the_grid():
    centers, counts = np.array([0.104, 5.0]), np.array([2.0, 1.0])
    # the grid of 0 to 2.55 has steps of 0.01: 0.104 -> 0.10 twice, 5 -> 2.55
    assert squared_error(counts, centers, 0.0, 2.55) == pytest.approx(2 * 0.004**2 + 2.45**2)


def test_the_mse_threshold_is_the_best_of_all_candidates():
    values = np.random.default_rng(0).laplace(0, 1, 200000).astype("float32")
    low, high = observe(values).range("mse")
    errors = {}
    for t in np.abs(values).max() * np.arange(1, 101) / 100:
        ends = max(values.min(), -t), min(values.max(), t)
        scale = (ends[1] - ends[0]) / 255
        lowest = np.rint(ends[0] / scale)
        errors[t] = ((np.clip(np.rint(values / scale), lowest, lowest + 255) * scale - values) ** 2).sum()
    assert max(-low, high) < 0.9 * np.abs(values).max()
    assert errors[min(errors, key=lambda t: abs(t - max(-low, high)))] <= min(errors.values()) * 1.02


def test_a_lossless_quantization_has_no_divergence():
    assert divergence(np.array([1.0, 1.0, 1.0, 1.0]), 4, 2) == pytest.approx(0)
    assert divergence(np.array([4.0, 0.0, 2.0, 2.0]), 4, 2) == pytest.approx(0)  # empty bins get nothing


def test_the_divergence_of_a_clipped_distribution():
    # kept 3, 1, 2, 2 and 8 clipped: P = (3, 1, 2, 10) / 16; two levels of sum 4 over two bins each: Q = 1/4 each
    expected = 3 / 16 * np.log(3 / 4) + 1 / 16 * np.log(1 / 4) + 2 / 16 * np.log(1 / 2) + 10 / 16 * np.log(10 / 4)
    assert divergence(np.array([3.0, 1.0, 2.0, 2.0, 5.0, 3.0]), 4, 2) == pytest.approx(expected)


def test_the_kl_threshold_is_the_best_of_all_candidates():
    counts = np.histogram(np.abs(np.random.default_rng(1).normal(0, 1, 5000)), bins=64, range=(0, 6.4))[0].astype(float)
    tried = {kept: divergence(counts, kept, 16) for kept in range(16, 65)}
    assert least_divergence_of(counts, 6.4, 16) == pytest.approx(min(tried, key=tried.get) / 10)


def test_zeros_after_a_relu_do_not_dominate_the_threshold():
    positive = np.abs(np.random.default_rng(2).normal(0, 1, 20000)).astype("float32")
    with_zeros = np.concatenate([positive, np.zeros(100000, "float32")])
    assert observe(with_zeros).range("kl")[1] == pytest.approx(observe(positive).range("kl")[1], rel=0.1)
    assert 2 < observe(with_zeros).range("kl")[1] <= positive.max()


def test_non_finite_values_are_refused():
    with pytest.raises(Diverged, match="non-finite values"):
        observe([1.0, float("nan")])
