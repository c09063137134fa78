"""Words of categories: a number is one word however it is spelled."""

import json

import numpy as np
import pytest

from common.table.hash import as_words, plain_numbers


def word(value):
    (found,) = plain_numbers(as_words([value])).tolist()
    return found


def test_a_number_is_one_word_in_csv_and_json():
    rng = np.random.default_rng(0)
    numbers = [0, -0.0, 17, 1e15, 1e16, 2.5e17, 1.5, -3.25, 1e-7, *rng.integers(-(2**53), 2**53, 200).tolist()]
    numbers += [float(value) for value in (*rng.integers(-1000, 1000, 100), *(rng.normal(size=100) * 1e3))]
    for number in numbers:
        spellings = {word(number), word(repr(number)), word(json.loads(json.dumps(number))), word(repr(float(number)))}
        assert len(spellings) == 1, (number, spellings)


@pytest.mark.parametrize("text", ["17", "17.0", "17.", "17.000"])
def test_a_whole_number_is_written_without_a_fraction(text):
    assert word(text) == b"17"


@pytest.mark.parametrize("text", ["017", "00.0", "1.50", "1.2.0", "+17", "12e4", "5e25c0", "v1.0", "", "17.0 "])
def test_other_words_are_left_as_they_are(text):
    assert word(text) == text.encode()


def test_a_number_may_grow_longer_than_its_column_and_the_shape_stays():
    words = np.array([[b"1e+16", b"2.0"], [b"a.b", b""]], "S")
    assert plain_numbers(words).tolist() == [[b"10000000000000000", b"2"], [b"a.b", b""]]
