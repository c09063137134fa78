"""Equal answers are told from different ones, whatever the order of rows that tie."""

import numpy as np

from common.inference.compare import UNDECIDED, difference, differences, mark_undecided, rows_in_order_of

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


def test_either_class_is_right_where_a_golden_label_map_is_undecided_and_nowhere_else():
    golden = {"label_map": np.array([[[2, 1, 0]]], "int32"), "scores": np.ones(3)}
    golden = mark_undecided(golden, {"label_map": np.array([[[True, False, False]]])})
    assert golden["label_map"].tolist() == [[[UNDECIDED, 1, 0]]] and golden["label_map"].dtype == np.int32
    same, other = np.array([[[0, 1, 0]]], "int32"), np.array([[[2, 1, 1]]], "int32")
    assert differences({"label_map": same, "scores": np.ones(3)}, golden)["label_map"] == 0
    assert differences({"label_map": other, "scores": np.ones(3)}, golden)["label_map"] == 1
    assert differences({"ids": same}, {"ids": golden["label_map"]})["ids"] == 1  # of that output alone
