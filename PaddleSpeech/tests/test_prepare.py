"""Preparation of a user's own recordings: a folder per word, splits by speaker, vocabulary, a configuration."""

import json
import wave

import pytest

from common.config import load_config
from PaddleSpeech.data import prepare
from tests.made.commands import command


def write_recording(path, rate=8000, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * int(rate * seconds))


@pytest.fixture
def words(tmp_path):
    for word in ("yes", "turn_left"):
        for speaker in ("ann", "bob", "cy", "dee"):
            for number in range(2):
                write_recording(tmp_path / f"words/{word}/{speaker}_{number}.wav")
    write_recording(tmp_path / "words/_background_noise_/hum.wav")
    return tmp_path / "words"


def rows_of(folder, split):
    return [json.loads(line) for line in (folder / f"{split}.jsonl").read_text().splitlines()]


def test_folders_become_transcripts_and_noise_is_left_out(words, tmp_path):
    done = command("prepare", words)
    assert done.code == 0, done.err
    assert "PaddleSpeech, words" in done.out and "16 recordings, 0.1 minutes; 2 texts: turn left, yes" in done.out
    rows = rows_of(tmp_path / "words_prepared", "train") + rows_of(tmp_path / "words_prepared", "eval")
    assert {row["text"] for row in rows} == {"turn left", "yes"} and {row["duration"] for row in rows} == {0.5}
    assert all((tmp_path / "words_prepared" / row["audio_filepath"]).is_file() for row in rows)


def test_the_configuration_has_the_rate_of_the_recordings_and_passes_the_checks(words, tmp_path):
    command("prepare", words)
    config = load_config(tmp_path / "words_prepared/words.yml")
    config.check()
    assert {node["type"]: node for node in config.get("data.eval.transforms")}["DecodeAudio"]["rate"] == 8000
    assert command("check", "-c", tmp_path / "words_prepared/words.yml").code == 0


def test_recordings_of_a_speaker_stay_in_one_split(words, tmp_path):
    assert command("prepare", words, "--group", r"(\w+)_\d").code == 0
    speakers = [
        {row["audio_filepath"].split("/")[-1].split("_")[0] for row in rows_of(tmp_path / "words_prepared", split)}
        for split in ("train", "eval")
    ]
    assert not speakers[0] & speakers[1] and speakers[1]


def test_a_file_that_is_no_recording_is_named(words):
    (words / "yes/broken.wav").write_bytes(b"not a recording")
    command("prepare", words).refused(3, "broken.wav")


def test_one_folder_is_no_format(tmp_path):
    write_recording(tmp_path / "yes/a.wav")
    assert prepare.recognize(tmp_path, ["yes/a.wav"]) == {}
    command("prepare", tmp_path, "--as", "words", "--out", tmp_path / "out").refused(3, "two or more words")
