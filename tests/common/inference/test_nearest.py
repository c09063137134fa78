"""Nearest neighbors are those of sorting all similarities."""

import numpy as np
import pytest

from common.inference.nearest import nearest_rows, unit_rows


@pytest.mark.parametrize("block", [1, 50, 10**9])
@pytest.mark.parametrize("count", [1, 4, 99])
def test_neighbors_are_the_first_of_a_stable_sort(block, count):
    rng = np.random.default_rng(0)
    queries, gallery = (rng.integers(-2, 3, (rows, 3)).astype(np.float32) for rows in (7, 20))  # with many ties
    rows, values = nearest_rows(queries, gallery, count, block)
    expected = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, :count]
    assert (rows == expected).all() and (values == np.take_along_axis(queries @ gallery.T, expected, 1)).all()


def test_rows_get_length_1_and_zeros_stay():
    assert unit_rows(np.array([[3, 4], [0, 0]])).tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0]]
