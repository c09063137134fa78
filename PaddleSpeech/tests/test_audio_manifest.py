"""Manifests: what is read, and invalid lines and audio files, reported with their place."""

import json

import numpy as np
import pytest
import soundfile

from common.audio.decode import DecodeAudio
from common.audio.pad_speech import PadSpeech
from common.data.alignment import min_ctc_steps
from common.data.collate import collate
from common.data.pipeline import Pipeline
from common.data.transform import random_for
from common.errors import BadSample, DataError
from common.text.characters import CharacterIds, labels_to_text
from common.text.vocabulary import list_characters, write_tokens
from PaddleSpeech.data.audio_manifest import AudioManifest
from PaddleSpeech.data.manifest_files import write_audio_manifest
from tests.common.audio.signals import tone, wav

RATE = 8000


class Recordings:
    """A folder of three recordings, their manifest and vocabulary."""

    def __init__(self, folder):
        self.folder, self.file, self.vocab = folder, folder / "train.jsonl", str(folder / "vocab.txt")
        (folder / "wav").mkdir()
        for number in range(3):
            wav(folder / f"wav/{number}.wav", tone(440, RATE, 0.5 + 0.25 * number), RATE)
        self.rows = [
            {"audio_filepath": f"wav/{number}.wav", "duration": 0.5 + 0.25 * number, "text": text}
            for number, text in enumerate(("ab", "b a", "abba"))
        ]
        write_tokens(folder / "vocab.txt", ["<space>", "a", "b"])

    def read(self, **options):
        """The dataset of the current rows."""
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in self.rows]
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return AudioManifest(str(self.file), **options)


@pytest.fixture
def recordings(tmp_path):
    return Recordings(tmp_path)


def test_a_line_becomes_a_sample(recordings):
    data = recordings.read(vocab=recordings.vocab)
    path = str(recordings.folder / "wav/1.wav")
    assert data[1] == {
        "path": path,
        "manifest": str(recordings.file),
        "line": 2,
        "place": "line 2",
        "text": "b a",
        "duration": 0.75,
    }
    assert len(data) == 3 and data.lengths() == [0.5, 0.75, 1.0] and data.paths()[1] == path
    assert data.labels == ["<blank>", "<space>", "a", "b"] and data.num_classes == 4
    assert data.check() == data.check(deep=True) == []


def test_without_a_vocabulary_there_are_no_classes(recordings):
    data = recordings.read()
    assert data.labels is None and data.num_classes is None


def test_whitespace_and_control_characters_of_a_text_become_single_spaces(recordings):
    recordings.rows[0]["text"] = " a\u0000\tb  a "
    data = recordings.read(vocab=recordings.vocab)
    assert data[0]["text"] == "a b a" and "D125" in str(data.check()[0])


def test_offsets_cut_recordings_out_of_one_file(recordings):
    recordings.rows = [
        {"audio_filepath": "wav/2.wav", "offset": start, "duration": 0.25, "text": "a"} for start in (0.0, 0.5)
    ]
    data = recordings.read()
    assert data.check(deep=True) == [] and data[1]["start"] == 0.5
    sample = DecodeAudio(RATE)(data[1], random_for(0))
    assert np.allclose(sample["audio"], tone(440, RATE)[4000:6000], atol=1e-4) and "start" not in sample


@pytest.mark.parametrize(
    "change, code, text",
    [
        ("{not json", "D118", "not valid JSON"),
        ("[1, 2]", "D113", "has no audio_filepath, duration, text"),
        ({"text": None}, "D113", "text is not a string"),
        ({"text": "  "}, "D126", "the transcript is empty"),
        ({"text": "a\ud800"}, "D123", "surrogate"),
        ({"text": "axbÄ"}, "D147", "'x', 'Ä': not in the vocabulary"),
        ({"duration": "1.0"}, "D119", "duration is not a number of seconds"),
        ({"duration": float("nan")}, "D119", "duration is not a number"),
        ({"duration": 0}, "D119", "duration is 0; allowed: more than 0"),
        ({"offset": -1}, "D119", "offset is -1; allowed: 0 or more"),
        ({"audio_filepath": ""}, "D113", "audio_filepath is not a file name"),
        ({"audio_filepath": "wav/0.wav"}, "D115", "is also at line 1"),
    ],
)
def test_a_bad_line_is_named(recordings, change, code, text):
    if isinstance(change, dict) and change.get("text") == "a\ud800":
        change = json.dumps(recordings.rows[1] | change)  # as an escape, which is how such halves get into files
    recordings.rows[1] = recordings.rows[1] | change if isinstance(change, dict) else change
    with pytest.raises(DataError) as error:
        recordings.read(vocab=recordings.vocab)
    assert f"[{code}]" in str(error.value) and text in str(error.value) and "train.jsonl: line 2" in str(error.value)


def test_ids_must_differ(recordings):
    for row in recordings.rows:
        row["id"] = "one"
    with pytest.raises(DataError, match=r"the id 'one' is also at line 1"):
        recordings.read()


def test_an_empty_manifest_is_refused(recordings):
    recordings.rows = []
    with pytest.raises(DataError, match="D117"):
        recordings.read()


def test_a_few_bad_lines_may_be_skipped(recordings):
    recordings.rows[1]["text"] = ""
    assert len(recordings.read(bad_samples="skip")) == 2


def test_recordings_of_other_lengths_are_left_out_and_counted(recordings):
    data = recordings.read(min_duration=0.6, max_duration=0.8)
    issues = data.check()
    assert data.lengths() == [0.75] and [issue.severity for issue in issues] == ["warning"]
    assert issues[0].code == "D145" and "0.6 to 0.8 s (2 times" in issues[0].message and issues[0].place == "line 1"


def test_an_unknown_key_is_reported(recordings):
    recordings.rows[2]["ofset"] = 0.1
    assert "nothing reads the key 'ofset'" in str(recordings.read().check()[0])


@pytest.mark.parametrize(
    "content, code, text",
    [
        (None, "D104", "there is no such file"),
        (b"", "D140", "0 bytes"),
        (b"hello", "D140", "not an audio file (starts with 'hello')"),
        ("cut", "D141", "the duration is 0.600 s, 0.750 s in the manifest"),
        ("short wav", "D141", "the header announces"),
        ("1024 channels", "D144", "1024 channels"),
    ],
)
def test_a_bad_file_is_found_by_its_header(recordings, content, code, text):
    path = recordings.folder / "wav/1.wav"
    if content is None:
        path.unlink()
    elif content == "cut":
        wav(path, tone(440, RATE, 0.6), RATE)
    elif content == "short wav":
        path.write_bytes(path.read_bytes()[:5000])
    elif content == "1024 channels":
        soundfile.write(path, np.zeros((6000, 1024)), RATE)
    else:
        path.write_bytes(content)
    (issue,) = recordings.read().check()
    assert (issue.code, issue.severity, issue.place) == (code, "error", "line 2") and text in str(issue)
    assert issue.file == str(recordings.file) and "wav/1.wav" in issue.message


@pytest.mark.parametrize(
    "audio, code, severity, text",
    [
        (np.zeros(6000), "D146", "warning", "silent"),
        (np.full(6000, 0.3), "D146", "warning", "constant"),
        (np.clip(tone(440, RATE, 0.75) * 20, -1, 1), "D146", "warning", "clipped"),
        (np.r_[np.nan, tone(440, RATE, 0.75)[1:]], "D142", "error", "not finite"),
    ],
)
def test_bad_samples_are_found_by_decoding(recordings, audio, code, severity, text):
    soundfile.write(recordings.folder / "wav/1.wav", audio, RATE, subtype="FLOAT")
    data = recordings.read()
    (issue,) = data.check(deep=True)
    assert (issue.code, issue.severity, issue.place) == (code, severity, "line 2") and text in issue.message
    assert data.check() == []


def test_different_sample_rates_are_reported(recordings):
    wav(recordings.folder / "wav/1.wav", tone(440, 16000, 0.75), 16000)
    assert "the sample rates are 8000, 16000 Hz" in recordings.read().check()[0].message


def test_the_check_is_cached_until_a_file_changes(recordings, tmp_path):
    data = recordings.read()
    assert data.check(cache=str(tmp_path / "run")) == []
    (recordings.folder / "wav/0.wav").write_bytes(b"")
    assert data.check(cache=str(tmp_path / "run"))[0].code == "D140"


# Labels and batches --------------------------------------------------------------------------------------------------


def test_characters_are_numbered_from_1_and_written_back(recordings):
    transform = CharacterIds(recordings.vocab)
    found = transform({"text": "ab ba"}, random_for(0))
    assert found["labels"].tolist() == [2, 3, 1, 3, 2] and found["labels"].dtype == np.int32
    assert found["label_length"] == 5 and transform.vocab_size == 4
    assert labels_to_text([0, 2, 3, 1, 0, 3, 2, 0], transform.characters.labels) == "ab ba"


def test_a_sample_without_a_text_has_no_labels(recordings):
    assert CharacterIds(recordings.vocab)({"path": "a.wav"}, random_for(0)) == {"path": "a.wav"}


def test_unknown_characters_are_refused_or_numbered(recordings):
    with pytest.raises(BadSample, match=r"D147.*'x'"):
        CharacterIds(recordings.vocab)({"text": "axb", "path": "a.wav"}, random_for(0))
    write_tokens(recordings.folder / "vocab.txt", ["a", "<unk>"])
    found = CharacterIds(recordings.vocab, unknown="<unk>")({"text": "axa"}, random_for(0))
    assert found["labels"].tolist() == [1, 2, 1]


def test_steps_that_a_text_takes_by_hand():
    """Two equal characters need a blank between them: `abba` takes 5 steps, `aaa` 5, `ab` 2."""
    assert [min_ctc_steps(np.array(labels)) for labels in ([1, 2, 2, 1], [1, 1, 1], [1, 2])] == [5, 5, 2]


def test_a_recording_too_short_for_its_text_is_refused(recordings):
    transform = CharacterIds(recordings.vocab, stride=2)
    assert transform({"text": "abba", "feature_length": 9}, random_for(0))["label_length"] == 4  # 5 steps
    with pytest.raises(BadSample, match=r"D149.*4 characters need 5 output steps, but the audio has only 4"):
        transform({"text": "abba", "feature_length": 8, "path": "a.wav"}, random_for(0))


def test_a_batch_has_the_names_shapes_and_types_that_models_take(recordings):
    from common.audio.filter_bank import FilterBank

    data = recordings.read(vocab=recordings.vocab)
    steps = [DecodeAudio(RATE), FilterBank(num_bins=40), CharacterIds(recordings.vocab), PadSpeech(multiple=8)]
    pipeline = Pipeline(steps)
    batch = collate(pipeline.batch([pipeline.sample(data, k, 0) for k in range(3)], 0, 0))
    found = {name: (list(value.shape), str(value.dtype)) for name, value in batch.items() if hasattr(value, "dtype")}
    assert found["features"] == ([3, 104, 40], "float32") and found["feature_length"] == ([3], "int64")
    assert found["labels"] == ([3, 4], "int32") and found["label_length"] == ([3], "int64")
    assert batch["feature_length"].tolist() == [48, 73, 98] and batch["label_length"].tolist() == [2, 3, 4]
    assert not batch["features"][0, 48:].any() and batch["labels"][0].tolist() == [2, 3, 0, 0]
    assert batch["text"] == ["ab", "b a", "abba"]


def test_a_bad_sample_of_a_run_names_file_line_and_sample(recordings):
    data = recordings.read()
    (recordings.folder / "wav/2.wav").write_bytes(b"")
    with pytest.raises(BadSample) as error:
        Pipeline([DecodeAudio(RATE)]).sample(data, 2, 0)
    assert f"{recordings.folder}/wav/2.wav: {recordings.file}: line 3, sample 2" in str(error.value)


# Writing -------------------------------------------------------------------------------------------------------------


def test_a_written_manifest_is_read_again_from_anywhere(recordings, tmp_path, monkeypatch):
    rows = [{"path": recordings.folder / f"wav/{k}.wav", "text": "ab", "speaker": "ann"} for k in range(3)]
    place = tmp_path / "other/train.jsonl"
    assert write_audio_manifest(place, rows) == pytest.approx(2.25)
    monkeypatch.chdir("/")
    assert AudioManifest(str(place)).check() == [] and '"../wav/0.wav"' in place.read_text()


def test_the_characters_of_texts_are_in_order_with_the_blank_first():
    assert list_characters(iter(["b a", "ac"])) == ["<space>", "a", "b", "c"]
    assert list_characters(["ba", "ac"], least=2) == ["a"]
