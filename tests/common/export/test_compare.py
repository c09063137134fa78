"""Equal answers are told from different ones, whatever the order of rows that tie."""

import numpy as np

from common.export.compare import difference, differences, rows_in_order_of

ROWS = np.array([[0, 0.9, 1, 2, 3, 4], [0, 0.5, 5, 6, 7, 8], [1, 0.5, 50, 60, 70, 80]], "float32")


def test_the_difference_is_relative_to_the_largest_value_but_never_blown_up():
    assert difference(np.array([10.0, 5.0]), np.array([10.0, 4.0])) == 0.1
    assert difference(np.array([0.001]), np.array([0.002])) == 0.001


def test_rows_may_change_places():
    assert difference(ROWS[[2, 0, 1]], ROWS) == 0
    assert (rows_in_order_of(ROWS[[1, 2, 0]], ROWS) == ROWS).all()


def test_another_row_another_number_of_rows_and_what_is_no_number_differ():
    other = ROWS.copy()
    other[1, 3] = 46
    assert difference(other, ROWS) == 0.5
    assert difference(ROWS[:2], ROWS) == np.inf
    assert difference(ROWS * np.nan, ROWS) == np.inf


def test_every_output_is_compared():
    found = differences({"boxes": ROWS, "count": np.array([2])}, {"boxes": ROWS, "count": np.array([3])})
    assert found == {"boxes": 0.0, "count": 1 / 3}


def test_nothing_equals_nothing():
    assert difference(ROWS[:0], ROWS[:0]) == 0
