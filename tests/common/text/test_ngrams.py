"""Hashed n-grams of texts."""

import numpy as np
import pytest

from common.errors import BadSample
from common.text.ngrams import HashedNgrams
from common.text.split import PadText


def ngrams(text, **keys):
    return HashedNgrams(1 << 20, **keys).ngrams(text)


def test_ngrams_are_words_pairs_and_characters_of_each_word():
    assert ngrams("Go on!", characters=()) == ["go", "on", "!", "go on", "on !"]
    assert ngrams("ab", words=0, characters=(2, 3)) == ["\t a", "\tab", "\tb ", "\t ab", "\tab "]
    assert ngrams("one two three", words=1, characters=(), max_words=2) == ["one", "two"]


def test_the_same_ngrams_have_the_same_rows_once_each():
    made = HashedNgrams(1000)
    rows = made({"text_a": "good good food"}, None)["ngrams"]
    assert rows.dtype == np.int64 and (np.diff(rows) > 0).all() and rows.max() < 1000
    assert made({"tokens": ["good", "good", "food"]}, None)["ngrams"].tolist() == rows.tolist()
    assert made({"text_a": "GOOD  good food"}, None)["ngrams"].tolist() == rows.tolist()


def test_the_rows_of_a_text_never_change():
    assert HashedNgrams(1000, 1, ())({"text_a": "cat 北京"}, None)["ngrams"].tolist() == [817, 832]


def test_a_text_without_words_has_one_row_and_a_pair_is_refused():
    assert HashedNgrams(10)({"text_a": " "}, None)["ngrams"].tolist() == [0]
    with pytest.raises(BadSample, match="two texts"):
        HashedNgrams(10)({"text_a": "a", "text_b": "b"}, None)


def test_ngrams_are_padded_to_their_own_longest():
    samples = [{"input_ids": [1], "ngrams": np.arange(3)}, {"input_ids": [1, 2], "ngrams": np.arange(5)}]
    padded = PadText()(samples, None)
    assert [sample["ngrams"].tolist() for sample in padded] == [[0, 1, 2, -1, -1], [0, 1, 2, 3, 4]]
    assert padded[0]["input_ids"].tolist() == [1, 0]


def test_impossible_settings_are_refused():
    for keys in (
        {"rows": 1},
        {"rows": 9, "words": -1},
        {"rows": 9, "characters": [3, 2]},
        {"rows": 9, "characters": [2]},
    ):
        with pytest.raises(ValueError, match=r"rows is|characters is"):
            HashedNgrams(**keys)
