"""The reader of LJ Speech, and the recordings of espeak-ng."""

import shutil

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleSpeech.data.ljspeech import LJSpeech
from PaddleSpeech.metrics.warping import warped_distances
from PaddleSpeech.tools import make_spoken_words, read_back
from tests.common.audio.signals import tone, wav


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wavs").mkdir()
    for number in range(10):
        wav(tmp_path / f"wavs/LJ{number}.wav", tone(440, 8000, 0.3), 8000)
    lines = [f"LJ{number}|It is {number}|It is the number {number}\n" for number in range(10)]
    (tmp_path / "metadata.csv").write_text("".join(lines))
    return tmp_path


def test_a_sample_has_the_text_as_it_is_spoken(folder):
    data = LJSpeech(str(folder))
    assert len(data) == 10 and data.check(deep=True) == []
    assert data[3]["text"] == "It is the number 3" and data[3]["path"].endswith("LJ3.wav")
    assert data[3]["place"] == "line 4" and data.lengths()[0] == 18 and len(data.paths()) == 10
    (folder / "metadata.csv").write_text("LJ0|as written|\n\nLJ1|alone\n")
    assert [sample["text"] for sample in LJSpeech(str(folder)).samples] == ["as written", "alone"]


def test_some_lines_are_held_out_and_short_ones_left_out(folder):
    parts = {part: LJSpeech(str(folder), part=part, held_out=3).paths() for part in ("train", "held_out")}
    assert len(parts["train"]) == 7 and len(parts["held_out"]) == 3
    assert not set(parts["train"]) & set(parts["held_out"])
    (folder / "metadata.csv").write_text("LJ0|short\nLJ1|a longer sentence\n")
    assert len(LJSpeech(str(folder), min_characters=6)) == 1
    with pytest.raises(ConfigError, match="there are 2 recordings"):
        LJSpeech(str(folder), part="train", held_out=10)


@pytest.mark.parametrize("line, code, words", [
    ("LJ0 without bars", "D118", "1 fields"), ("LJ0|a|b|c|d", "D118", "5 fields"),
    ("../x|a|b", "D113", "not the name of a recording"), ("LJ1|again|again", "D115", "also at line 1"),
    ("LJ2| |", "D126", "empty"), ("LJ99|a|b", "D104", "LJ99.wav"),
])  # fmt: skip
def test_a_bad_line_is_named(folder, line, code, words):
    (folder / "metadata.csv").write_text(f"LJ1|good|good\n{line}\n")
    with pytest.raises(DataError) as error:
        LJSpeech(str(folder))
    text = str(error.value)
    assert code in text and words in text and "metadata.csv: line 2" in text


def test_the_speaker_is_in_a_fourth_column(folder):
    (folder / "metadata.csv").write_text("LJ1|a|a|anna\nLJ2|b|b|ben\n")
    data = LJSpeech(str(folder), speakers=["anna", "ben"])
    assert [sample["speaker"] for sample in data.samples] == ["anna", "ben"]
    assert "speaker" not in LJSpeech(str(folder))[0]
    with pytest.raises(DataError, match=r"(?s)no speaker 'ben'.*line 2"):
        LJSpeech(str(folder), speakers=["anna"])
    (folder / "metadata.csv").write_text("LJ1|a|a\n")
    with pytest.raises(DataError, match="SPEAKER"):
        LJSpeech(str(folder), speakers=["anna"])


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        make_spoken_words.main([str(argument) for argument in arguments])
    return end.value.code or 0


def test_texts_are_different_and_depend_on_the_seed_alone(tmp_path):
    texts = make_spoken_words.choose_texts(50, 0)
    assert len(set(texts)) == 50 and texts == make_spoken_words.choose_texts(50, 0)
    assert texts != make_spoken_words.choose_texts(50, 1)
    assert {len(text.split()) for text in texts} == {1, 2, 3}
    file = tmp_path / "lines.txt"
    file.write_text("one\ntwo\n\none\n")
    assert sorted(make_spoken_words.choose_texts(2, 0, str(file))) == ["one", "two"]
    with pytest.raises(ConfigError, match="there are 2"):
        make_spoken_words.choose_texts(3, 0, str(file))
    file.write_text("one\na|b\n")
    with pytest.raises(DataError, match="line 2"):
        make_spoken_words.choose_texts(1, 0, str(file))


def test_a_missing_program_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert run(tmp_path) == 4 and "apt-get install espeak-ng" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_words_are_spoken_by_two_voices(tmp_path):
    assert run(tmp_path, "--train", 4, "--eval", 2, "--voice", "en-us", "en-gb") == 0
    data = LJSpeech(str(tmp_path), metadata="train.csv", speakers=["en-us", "en-gb"])
    assert len(data) == 4 and data.check(deep=True) == []
    assert run(tmp_path, "--train", 1, "--eval", 1, "--voice", "nobody") == 2


class Recognizer:
    def predict(self, recordings):
        return [[{"text": "Seven"}, {"text": "1 house."}] for _ in recordings]


def test_what_is_read_back_is_compared_in_words():
    assert read_back.words_of("Dr. Li's 21 - Houses!") == ["doctor", "li's", "twenty", "one", "houses"]
    assert read_back.words_of(read_back.text_of(Recognizer(), "a.wav")) == ["seven", "one", "house"]


def test_a_recognizer_that_is_not_installed_is_named(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as end:
        read_back.main(["--model", "nowhere", "--list", str(folder / "metadata.csv"), "--recognizer", "nobody"])
    assert end.value.code == 2 and "nobody" in capsys.readouterr().err


def test_a_warped_sequence_is_as_near_as_its_alignment():
    frames, slow = np.array([[0.0], [1.0], [3.0]]), np.array([[0.0], [0.0], [1.0], [1.0], [3.0]])
    other = np.array([[0.0], [2.0]])
    # other: 0 to 0, then 1 and 3 to 2, each at a difference of 1: a step in both counts twice, one in T once
    assert warped_distances(frames, [slow, other, frames]) == pytest.approx([0.0, 3 / 5, 0.0])


def test_a_recording_is_nearest_to_itself():
    levels = [read_back.mel_levels(tone(frequency, 8000, 0.5), 8000) for frequency in (300, 600, 1200)]
    assert [warped_distances(one, levels).argmin() for one in levels] == [0, 1, 2]
