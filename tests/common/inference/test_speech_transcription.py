"""Speech transcription: where long recordings are cut, and what becomes of the tokens."""

import json

import numpy as np
import pytest

from common.inference.tasks.speech_transcription import SpeechTranscription


@pytest.fixture
def task(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({"model": {"vocab": {"\u0120hi": 0, "!": 1}}}))
    return SpeechTranscription(str(tmp_path / "t.json"), seconds=2.0, search=1.0)


def test_a_long_recording_is_cut_where_it_is_quiet_and_nothing_is_lost(task):
    audio = np.random.default_rng(0).uniform(-1, 1, 550).astype(np.float32)  # 5.5 s at 100 Hz
    audio[160:180] = 0
    parts = task.split({"audio": audio, "rate": 100, "name": "a.wav"})
    np.testing.assert_array_equal(np.concatenate([part["audio"] for part in parts]), audio)
    assert [part["window_start"] for part in parts][:2] == [0.0, 1.7] and parts[0]["name"] == "a.wav"
    assert all(100 <= len(part["audio"]) <= 200 for part in parts[:-1])
    (alone,) = task.split({"audio": audio[:200], "rate": 100})
    assert len(alone["audio"]) == 200 and alone["window_start"] == 0


def test_tokens_become_texts_with_their_start_and_silence_becomes_nothing(task):
    outputs = {"ids": [[0, 1, 9], [0, 0, 0], [0, 9, 9], [9, 9, 9]]}
    outputs |= {"score": np.array([0.9, 0.3, 0.3, 0.9]), "no_speech": np.array([0.7, 0.7, 0.5, 0.0])}
    found = task.records(outputs, [{"window_start": 1.23456}, {}], None, 0.0)
    assert found == [
        [{"text": "hi!", "score": 0.9, "start": 1.235}],
        [],
        [{"text": "hi", "score": 0.3, "start": 0.0}],
        [],
    ]
    assert task.records(outputs, [], None, 0.5)[2] == []
    assert task.line({"name": "a.wav"}, [{"text": "hi!"}, {"text": "hi"}]) == "a.wav\thi! hi"
    assert task.text_of([0, 1], None) == "hi!"
    with pytest.raises(ValueError, match="less than seconds"):
        SpeechTranscription(task.tokenizer, seconds=2.0, search=2.0)
