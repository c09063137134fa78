"""Manifests from transcripts with a line `ID TEXT` per recording."""

import json

import pytest

from PaddleSpeech.tools import make_manifest
from tests.common.audio.signals import tone, wav


@pytest.fixture
def corpus(tmp_path):
    """Two recordings of a chapter in the layout of LibriSpeech, and one without a transcript."""
    folder = tmp_path / "speech/84/121"
    folder.mkdir(parents=True)
    for name in ("84-121-0000", "84-121-0001", "84-121-0002"):
        wav(folder / f"{name}.wav", tone(440, 8000, 0.3), 8000)
    (folder / "84-121.trans.txt").write_text("84-121-0000 GO AND DO\n\n84-121-0001 BUT IN LESS\n")
    return tmp_path / "speech"


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        make_manifest.main([str(argument) for argument in arguments])
    return end.value.code or 0


def test_transcripts_are_found_by_the_names_of_the_recordings(corpus, tmp_path, capsys):
    assert run(corpus, "--out", tmp_path / "set/train.jsonl") == 0
    assert "2 recordings, 0.00 hours; left out: 1 recording without a transcript" in capsys.readouterr().out
    rows = [json.loads(line) for line in (tmp_path / "set/train.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["go and do", "but in less"]
    assert all((tmp_path / "set" / row["audio_filepath"]).is_file() and row["duration"] == 0.3 for row in rows)


def test_mandarin_texts_lose_their_spaces(corpus, tmp_path):
    (tmp_path / "all.txt").write_text("84-121-0002 广州市 房地产\nOTHER 不在 这里\n", encoding="utf-8")
    assert run(corpus, "--transcripts", tmp_path / "all.txt", "--characters", "--out", tmp_path / "a.jsonl") == 0
    assert json.loads((tmp_path / "a.jsonl").read_text())["text"] == "广州市房地产"


@pytest.mark.parametrize(
    ("content", "parts"),
    [("other GO\n", ["no recording has a transcript"]), ("a GO\na STOP\n", ["line 2", "another text"])],
)
def test_transcripts_that_do_not_fit_are_refused(corpus, tmp_path, capsys, content, parts):
    (tmp_path / "bad.txt").write_text(content)
    assert run(corpus, "--transcripts", tmp_path / "bad.txt", "--out", tmp_path / "a.jsonl") == 3
    said = capsys.readouterr().err
    assert all(part in said for part in parts)


def test_two_recordings_of_one_name_are_refused(corpus, tmp_path, capsys):
    wav(corpus / "84-121-0000.wav", tone(440, 8000, 0.3), 8000)
    assert run(corpus, "--out", tmp_path / "a.jsonl") == 3
    assert "84-121-0000.wav" in capsys.readouterr().err
