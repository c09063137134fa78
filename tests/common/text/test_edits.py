"""Edit distances: worked out by hand, and those of the original operator."""

import pytest

from common.text.edits import levenshtein


def test_an_edit_distance_worked_out_by_hand():
    """kitten -> sitten -> sittin -> sitting."""
    assert levenshtein("kitten", "sitting") == 3
    assert levenshtein("", "abc") == levenshtein("abc", "") == 3 and levenshtein("", "") == 0
    assert levenshtein(["a", "b"], ["b"]) == 1


def test_the_distances_of_the_original_operator():
    assert levenshtein([1, 2, 3], [1, 3, 3]) / 3 == pytest.approx(1 / 3)
    assert levenshtein([4, 5], [9, 5, 6]) / 3 == pytest.approx(2 / 3)
