"""Rows by key: the same for the same pushes in any order of growth, first values of the key, admission, eviction."""

import numpy as np
import pytest

from common.elastic.row_store import KeyIndex, RowStore
from common.optim.optimizers import SGD
from common.optim.row_rules import row_rule
from common.table.first_rows import first_rows


def keys_of(*values):
    return np.array(values, np.uint64)


def store(**keys):
    return RowStore(2, 0.1, row_rule(SGD(lr=1.0)), **keys)


def push(rows, keys, value, counts=None, hour=0):
    gradients = np.full((len(keys), 2), value, np.float32)
    rows.push(keys, gradients, np.ones(len(keys), int) if counts is None else counts, 1.0, hour)


def test_an_index_finds_what_was_added_and_nothing_else():
    rng, index, known = np.random.default_rng(0), KeyIndex(bits=2), {}
    largest = np.array([2**64 - 1], np.uint64)
    assert index.find(largest) == -1
    with pytest.raises(ValueError, match="is no key"):
        index.add(largest)
    for _ in range(30):
        keys = np.unique(rng.integers(0, rng.integers(50, 10**6), rng.integers(1, 200), dtype=np.uint64))
        for key, place in zip(keys.tolist(), index.add(keys).tolist()):
            assert known.setdefault(key, place) == place
    assert sorted(known.values()) == list(range(index.count))
    asked = np.unique(rng.integers(0, 10**6, 5000, dtype=np.uint64))
    assert index.find(asked).tolist() == [known.get(key, -1) for key in asked.tolist()]


def test_first_values_are_those_of_the_key_with_the_deviation_asked_for():
    keys = np.arange(50000, dtype=np.uint64)
    rows = first_rows(keys, 4, 0.2)
    np.testing.assert_array_equal(rows[[7, 3]], first_rows(keys_of(7, 3), 4, 0.2))
    assert rows.std() == pytest.approx(0.2, rel=0.01) and abs(rows.mean()) < 0.002
    assert abs(np.corrcoef(rows.T) - np.eye(4)).max() < 0.02
    assert not np.array_equal(rows, first_rows(keys, 4, 0.2, seed=1)) and not first_rows(keys, 4, 0.0).any()


def test_a_pull_writes_nothing_and_a_push_begins_at_the_first_value():
    rows, keys = store(), keys_of(9, 4, 2**62)
    before = rows.pull(keys)
    np.testing.assert_array_equal(before, first_rows(keys, 2, 0.1))
    assert len(rows) == 0
    push(rows, keys[:2], 0.5)
    np.testing.assert_allclose(rows.pull(keys), before - [[0.5], [0.5], [0.0]])
    assert len(rows) == 2 and rows.shows[:2].tolist() == [1, 1]


def test_a_key_gets_a_row_after_its_shows_and_they_all_count():
    rows, keys = store(admit=3), keys_of(1, 2)
    push(rows, keys, 1.0, np.array([1, 3]))
    assert len(rows) == 1 and rows.keys[0] == 2
    push(rows, keys, 1.0, np.array([2, 1]))
    assert rows.keys[:2].tolist() == [2, 1] and rows.shows[:2].tolist() == [4, 3]
    moved = first_rows(keys, 2, 0.1) - rows.pull(keys)
    np.testing.assert_allclose(moved, [[1, 1], [2, 2]], rtol=1e-5)


def test_rows_that_were_not_pushed_for_long_are_removed():
    rows = store()
    push(rows, keys_of(1, 2, 3), 1.0, hour=1)
    push(rows, keys_of(2), 1.0, hour=5)
    kept = rows.pull(keys_of(2))
    assert rows.evict(5) == 2 and len(rows) == 1
    np.testing.assert_array_equal(rows.pull(keys_of(2)), kept)
    np.testing.assert_array_equal(rows.pull(keys_of(1)), first_rows(keys_of(1), 2, 0.1))


def test_a_store_is_what_it_was_after_its_arrays_are_put_into_another():
    rng, rows, other = np.random.default_rng(0), store(admit=2), store(admit=2)
    for _ in range(20):
        keys = np.unique(rng.integers(0, 300, 40, dtype=np.uint64))
        push(rows, keys, 0.1)
    other.put(rows.arrays())
    keys = np.arange(300, dtype=np.uint64)
    for each in (rows, other):
        push(each, keys[:50], 0.1)
    np.testing.assert_array_equal(rows.pull(keys), other.pull(keys))
    assert sorted(rows.shows[: len(rows)]) == sorted(other.shows[: len(other)])
