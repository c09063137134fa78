"""First values of rows: seeds of tables, and numbers that other programs of the same format must find."""

import numpy as np
import pytest

from common.table.first_rows import first_rows, first_seeds

EXPECTED = [[-0.081137024, -0.36828807], [0.44918725, -0.80288649]]


def test_every_table_has_a_seed_of_its_own_in_any_order_of_names():
    assert first_seeds(["b", "a"], 5) == first_seeds(["a", "b"], 5) == {"a": 5, "b": 6}


def test_first_values_are_numbers_that_do_not_change_between_versions():
    found = first_rows(np.array([0, 2**63 + 1], np.uint64), 2, 1.0, seed=7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-6)


def test_the_values_are_those_of_the_formula_by_hand():
    """The same sums in Python's integers."""
    mask = 2**64 - 1

    def mixed(value):
        value = (value + 0x9E3779B97F4A7C15) & mask
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
        return value ^ (value >> 31)

    drawn = mixed(mixed(11) ^ ((2 * 0x9E3779B97F4A7C15 + mixed(7)) & mask))
    total = sum((drawn >> shift) & 0xFFFF for shift in (0, 16, 32, 48)) - 2 * 65535
    found = first_rows(np.array([11], np.uint64), 2, 0.3, seed=7)[0, 1]
    assert found == pytest.approx(total * 3**0.5 / 65536 * 0.3, rel=1e-6)
