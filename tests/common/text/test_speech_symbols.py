"""Symbols of texts that are spoken: letters, phonemes, speakers, and what is refused."""

import numpy as np
import pytest

from common.data.transform import random_for
from common.errors import BadSample, ConfigError, DataError
from common.text.speech_symbols import SYMBOLS, SpeechSymbols, read_pronunciations


def symbols(text, transform=None, **more):
    sample = (transform or SpeechSymbols())({"text": text, **more}, random_for(0))
    assert sample["length"] == len(sample["ids"]) and sample["ids"].dtype == np.int64
    return [SYMBOLS[number] for number in sample["ids"]]


@pytest.fixture
def dictionary(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text(";;; a comment\nhello HH AH0 L OW1\nhello(2) HH EH0 L OW1\nWORLD  W ER1 L D # a note\n")
    return str(path)


def test_there_are_as_many_symbols_as_in_the_original():
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 149
    assert SYMBOLS[0] == "_" and SYMBOLS[1] == "~" and SpeechSymbols.vocab_size == 149


def test_a_text_becomes_lower_case_letters_and_the_end():
    assert symbols("Is it 2?") == [*"is it two?", "~"]
    assert symbols("x", None, text_a="y") == ["x", "~"]


def test_phonemes_stand_in_braces():
    assert symbols("say {HH AH0} now") == [*"say ", "@HH", "@AH0", *" now", "~"]
    with pytest.raises(BadSample, match="'QQ' is no phoneme"):
        symbols("say {QQ}")


def test_words_of_a_dictionary_are_spoken_by_their_first_pronunciation(dictionary):
    spoken = SpeechSymbols(dictionary, phonemes=1)
    assert symbols("Hello, big world", spoken) == [
        "@HH",
        "@AH0",
        "@L",
        "@OW1",
        *", big ",
        "@W",
        "@ER1",
        "@L",
        "@D",
        "~",
    ]
    half, rng = SpeechSymbols(dictionary, phonemes=0.5), random_for(1)
    lengths = [int(half({"text": "hello hello"}, rng)["length"]) for _ in range(200)]
    assert {lengths.count(n) > 20 for n in (10, 11, 12)} == {True} and set(lengths) == {10, 11, 12}


@pytest.mark.parametrize("line, words", [("hello HH XX", "line 1"), ("hello", "no phonemes"), (";;;", "no word")])
def test_a_dictionary_with_a_bad_line_is_refused(tmp_path, line, words):
    path = tmp_path / "bad.dict"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match=words):
        read_pronunciations(str(path))


def test_the_speaker_stands_before_a_bar():
    spoken = SpeechSymbols(speakers=["anna", "ben"])
    for text, number in (("ben| hi", 1), ("anna|hi", 0), ("hi", 0)):
        found = spoken({"text_a": text}, random_for(0))
        assert found["speaker"] == number and found["ids"][-1] == 1
    assert spoken({"text": "hi", "speaker": "ben"}, random_for(0))["speaker"] == 1
    with pytest.raises(BadSample, match="no speaker 'carl'"):
        spoken({"text_a": "carl|hi"}, random_for(0))


@pytest.mark.parametrize("text", ["...", " ", "你好", "{}"])
def test_a_text_that_cannot_be_spoken_is_refused_by_its_line(text):
    with pytest.raises(BadSample, match="can be spoken"):
        SpeechSymbols()({"text": text, "path": "a.wav", "manifest": "m.csv", "place": "line 3"}, random_for(0))


def test_other_characters_are_left_out_and_counted():
    sample = SpeechSymbols()({"text": "a 你 b"}, random_for(0))
    assert [SYMBOLS[k] for k in sample["ids"]] == ["a", " ", " ", "b", "~"] or len(sample["ids"]) == 4


@pytest.mark.parametrize("given", [{"phonemes": 2}, {"phonemes": 0.5}, {"speakers": []}, {"speakers": ["a", "a"]}])
def test_wrong_settings_are_refused(given):
    with pytest.raises(ConfigError):
        SpeechSymbols(**given)
