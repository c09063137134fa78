"""Drawn words: the same from the same seed, in the alphabet, in fonts that have its letters."""

import json

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleCV.data.drawn_words import DrawnWords, draws, find_fonts, letters
from PaddleCV.data.word_list import WordList
from PaddleCV.tools.make_words import ALPHABETS, make_words
from tests.made.made_sets import matplotlib_fonts


def font(name="DejaVuSans.ttf"):
    return next(path for path in matplotlib_fonts() if path.endswith(f"/{name}"))


def test_the_same_seed_gives_the_same_words():
    one, two = (DrawnWords([font()], ALPHABETS["lower"], height=32, longest=5, seed=3) for _ in range(2))
    for number in range(6):
        (image, text), (again, same) = one.draw(0, number), two.draw(0, number)
        assert text == same and np.array_equal(image, again)
        assert image.shape[0] == 32 and image.shape[2] == 3 and image.dtype == np.uint8
        assert 0 < len(text) <= 5 and set(text) <= set(ALPHABETS["lower"])
    assert one.draw(1, 0)[1] != one.draw(0, 0)[1] or not np.array_equal(one.draw(1, 0)[0], one.draw(0, 0)[0])


def test_words_of_a_text_are_drawn_and_those_outside_the_alphabet_are_not():
    drawn = DrawnWords([font()], ALPHABETS["lower"], ["tree", "Tree", "naïve", "a" * 30])
    assert drawn.words == ["tree", "Tree"]
    texts = {drawn.draw(0, number)[1] for number in range(12)}
    assert "tree" in texts and "Tree" not in texts


def test_every_letter_is_in_the_coverage():
    """The coverage of two letters is wider than that of one by its advance and the spacing."""
    one, two, apart = letters("n", font(), 40, 0), letters("nn", font(), 40, 0), letters("nn", font(), 40, 7)
    assert apart.shape[1] - two.shape[1] == 7 and two.shape[1] > 1.8 * one.shape[1]
    assert two.shape[0] == one.shape[0] and two.max() == 255


def test_fonts_without_the_letters_are_left_out(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"<!doctype html>")
    assert not draws(str(tmp_path / "broken.ttf"), "ab") and draws(font(), ALPHABETS["ascii"])
    assert not draws(font(), "a\ue7f5")
    assert find_fonts([font(), tmp_path], "ab") == [font()]
    with pytest.raises(DataError, match="1 fonts, none of which draws"):
        find_fonts([tmp_path], "ab")
    with pytest.raises(DataError, match="no such file or folder"):
        find_fonts([tmp_path / "nowhere"], "ab")


def test_the_written_set_is_read_as_it_was_drawn(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("Trees grow, slowly.", encoding="utf-8")
    out = tmp_path / "words"
    assert make_words(out, 4, 2, [font()], str(text), "letters", height=24) == 1
    dataset = WordList(str(out), "train.txt", str(out / "alphabet.txt"))
    assert len(dataset) == 4 and dataset.num_classes == 63 and not dataset.check(deep=True)
    assert json.loads((out / "made_with.json").read_text())["fonts"] == ["DejaVuSans.ttf"]
    with pytest.raises(ConfigError, match="exists; remove it"):
        make_words(out)
    with pytest.raises(ConfigError, match="--train is 0; it must be at least 1"):
        make_words(tmp_path / "other", 0)
    text.write_text("ПРИВЕТ", encoding="utf-8")
    with pytest.raises(ConfigError, match="has no word of the alphabet"):
        make_words(tmp_path / "other", 4, 2, [font()], str(text))
