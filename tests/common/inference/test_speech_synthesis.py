"""Sounds in records, and the files that they are written to."""

import base64

import numpy as np
import pytest

from common.errors import ConfigError
from common.inference.record_files import RecordFiles
from common.inference.results import Predictions, Several
from common.inference.tasks.speech_synthesis import SpeechSynthesis

OUTPUTS = {
    "linear": np.full((2, 12, 33), 0.5, np.float32),
    "frames": np.array([12, 8]),
    "complete": np.array([True, False]),
}


def task():
    return SpeechSynthesis(rate=8000, n_fft=64, stride=16, iterations=2)


def found():
    return task().records(OUTPUTS, [{"text_a": "one"}, {"text_a": "two"}], None, 0)


def test_a_record_has_the_duration_and_the_sound():
    first, second = found()
    assert first[0]["seconds"] == pytest.approx(11 * 16 / 8000) and second[0]["seconds"] == pytest.approx(
        7 * 16 / 8000, abs=1e-3
    )
    assert base64.b64decode(first[0]["wav"])[:4] == b"RIFF" and len(task().file_of(second)) == 44 + 2 * 7 * 16
    assert task().line({"text_a": "one"}, first) == "one: 0.02 s of speech"
    assert "did not find the end" in task().line({"text_a": "two"}, second) and task().line({"text_a": ""}, []) == ""
    assert len(task().records(OUTPUTS, [{}], None, 0)) == 1  # a batch may be filled up


def test_sounds_are_written_to_a_folder_or_to_one_file(tmp_path):
    writer, first = RecordFiles(str(tmp_path / "all"), True, (".wav",)), found()[0]
    writer.draw(task(), {"place": "line 3", "path": "lines.txt"}, first)
    writer.draw(task(), {"place": "line 4", "path": "lines.txt"}, [])
    writer.close()
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["line_3.wav"]
    RecordFiles(str(tmp_path / "one.wav"), False, (".wav",)).draw(task(), {"place": "line 1", "path": "--text"}, first)
    assert (tmp_path / "one.wav").read_bytes() == task().file_of(first)
    with pytest.raises(ConfigError, match="several samples"):
        RecordFiles(str(tmp_path / "one.wav"), True, (".wav",))


class Model:
    labels = None

    def __init__(self):
        self.task = task()


def test_predictions_are_saved_as_sound(tmp_path):
    predictions = Predictions(Model(), {"path": "x", "name": "x", "text_a": "one"}, {}, found()[0])
    predictions.save(tmp_path / "new/speech.wav")
    assert (tmp_path / "new/speech.wav").read_bytes()[:4] == b"RIFF"
    with pytest.raises(ConfigError, match=r"\.wav"):
        predictions.save(tmp_path / "speech.mp3")
    with pytest.raises(ConfigError):
        Several([predictions, predictions]).save(tmp_path / "speech.wav")


@pytest.mark.parametrize("given", [{"rate": 0}, {"power": 0}, {"iterations": -1}])
def test_settings_out_of_range_are_refused(given):
    with pytest.raises(ValueError, match="allowed"):
        SpeechSynthesis(**given)
