"""Ranks and correlations by hand."""

import numpy as np
import pytest

from common.inference.rank_correlation import correlation, ranks


def test_equal_values_share_the_mean_of_their_ranks():
    assert ranks(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1, 2.5, 4]
    assert correlation(np.array([1.0, 2.0, 4.0]), np.array([2.0, 4.0, 8.0])) == pytest.approx(1)
    assert correlation(np.ones(3), np.arange(3)) == correlation(np.ones(1), np.ones(1)) == 0
