"""Quantile buckets of numbers."""

import numpy as np

from common.table.buckets import QuantileSample, bucket_edges, bucket_numbers


def test_buckets_hold_equal_shares_and_missing_numbers_have_their_own():
    sample = QuantileSample()
    sample.add(np.arange(50.0)[:, None])
    sample.add(np.r_[np.arange(50.0, 100), np.nan][:, None])
    edges = sample.edges(4)
    found = bucket_numbers(np.r_[np.arange(100.0), np.nan, -9.0, 1e9][:, None], edges)[:, 0]
    assert np.bincount(found[:100]).tolist() == [0, 25, 25, 25, 25]
    assert found[100:].tolist() == [0, 1, 4]


def test_a_column_without_values_has_edges():
    sample = QuantileSample()
    sample.add(np.full((3, 1), np.nan))
    assert bucket_numbers(np.array([[np.nan]]), sample.edges(3)).tolist() == [[0]]


def test_a_long_stream_is_sampled_evenly():
    sample, values = QuantileSample(most=100), np.arange(10_000.0)
    for begin in range(0, len(values), 37):
        sample.add(values[begin : begin + 37, None])
    assert 50 <= sum(map(len, sample.kept)) <= 100
    np.testing.assert_allclose(sample.edges(4)[0], [2500, 5000, 7500], atol=200)


def test_a_frequent_value_has_a_bucket_alone_and_the_others_share_the_rest():
    values = np.r_[np.zeros(900), np.arange(1, 101)]
    found = bucket_numbers(values[:, None], bucket_edges(values, 8)[None])[:, 0]
    assert set(found[:900]) == {2} and 2 not in found[900:]
    assert np.unique(found[900:], return_counts=True)[1].max() <= 20
