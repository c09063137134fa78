"""Tests of files of rows by keys: what is written is found, and damaged files are refused by name."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from common.errors import DataError, EnvironmentProblem
from common.table.hash import splitmix64
from common.table.keyed_rows import HEADER_SIZE, KeyedRows, write_keyed_rows

KEYS = arrays.arrays(np.uint64, st.integers(0, 60), elements=st.integers(0, 2**64 - 1), unique=True)


def rows_of(keys, width):
    """Rows that follow from their keys."""
    return (keys[:, None] % np.uint64(1009) + np.arange(width, dtype=np.uint64)).astype(np.float32)


@settings(max_examples=12, deadline=None)
@given(
    keys=KEYS, asked=st.lists(st.integers(0, 2**64 - 1), max_size=8), cut=st.integers(0, 60), width=st.integers(1, 5)
)
def test_every_key_has_its_row_and_others_the_default(tmp_path_factory, keys, asked, cut, width):
    path = tmp_path_factory.mktemp("rows") / "a.rows"
    rows, default = rows_of(keys, width), np.full(width, -1, np.float32)
    write_keyed_rows(path, [(keys[:cut], rows[:cut]), (keys[cut:].view(np.int64), rows[cut:])], default)
    table = KeyedRows(path, verify=True)
    assert len(table) == len(keys) and table.width == width
    np.testing.assert_array_equal(table.look_up(keys), rows)
    other = np.setdiff1d(np.array(asked, np.uint64), keys)
    np.testing.assert_array_equal(table.look_up(other), np.tile(default, (len(other), 1)))
    np.testing.assert_array_equal(table.keys[table.places(keys)], keys)


def test_keys_whose_hashes_begin_alike_are_all_found(tmp_path):
    many = np.arange(200_000, dtype=np.uint64)
    keys = many[np.argsort(splitmix64(many))][:300]  # all in a few buckets
    write_keyed_rows(tmp_path / "a.rows", [(keys, rows_of(keys, 3))], dtype="float16")
    table = KeyedRows(tmp_path / "a.rows")
    assert table.longest > 100
    found = table.look_up(np.stack([keys, keys + np.uint64(2**40)], 1))
    np.testing.assert_array_equal(found[:, 0], rows_of(keys, 3))  # integers below 2048 are exact in float16
    assert found.shape == (300, 2, 3) and found.dtype == np.float32 and not found[:, 1].any()


def test_a_changed_or_cut_file_is_refused_by_its_name(tmp_path):
    keys = np.arange(50, dtype=np.uint64)
    path, bad = tmp_path / "a.rows", tmp_path / "bad.rows"
    write_keyed_rows(path, [(keys, rows_of(keys, 4))])
    whole = path.read_bytes()
    for place in [*range(0, 120, 3), *range(HEADER_SIZE, len(whole), 97), len(whole) - 1]:
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(EnvironmentProblem, match=r"bad\.rows: .*(damaged|no file)"):
            KeyedRows(bad, verify=True)
    for size in (0, 7, 100, HEADER_SIZE, len(whole) - 1):
        bad.write_bytes(whole[:size])
        with pytest.raises(EnvironmentProblem, match=r"bad\.rows: "):
            KeyedRows(bad)
    bad.write_bytes(whole + b"\0")
    with pytest.raises(EnvironmentProblem, match=f"{len(whole) + 1} bytes, but {len(whole)} were written"):
        KeyedRows(bad)
    with pytest.raises(EnvironmentProblem, match=r"none\.rows: No such file"):
        KeyedRows(tmp_path / "none.rows")


@pytest.mark.parametrize(
    ("keys", "rows", "error", "message"),
    [
        ([1, 5, 1], np.ones((3, 2)), ValueError, "the key 1 occurs twice"),
        ([1, 2], np.ones((3, 2)), ValueError, "rows"),
        ([1, 2], [[1, np.nan], [1, 1]], DataError, "1 of the rows are NaN"),
        ([1, 2], [[1, 1e6], [1, 1]], DataError, "too large for float16"),
    ],
)
def test_what_cannot_be_published_leaves_no_file(tmp_path, keys, rows, error, message):
    with pytest.raises(error, match=message):
        write_keyed_rows(tmp_path / "a.rows", [(np.array(keys, np.uint64), np.array(rows))], dtype="float16")
    assert not os.listdir(tmp_path)
