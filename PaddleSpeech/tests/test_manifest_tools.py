"""The tools that create manifests and vocabularies."""

import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest

from PaddleSpeech.data.audio_manifest import AudioManifest
from PaddleSpeech.tools import make_fsdd, make_prompts, make_vocabulary
from PaddleSpeech.tools.make_spoken_tones import make_spoken_tones
from tests.common.audio.signals import tone, wav

REAL = pathlib.Path(os.environ.get("KIT_TEST_DATA", "nowhere")) / "fsdd"


def run(tool, *arguments):
    """The exit code of a tool."""
    with pytest.raises(SystemExit) as end:
        tool.main([str(argument) for argument in arguments])
    return end.value.code or 0


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def digits(tmp_path):
    """Recordings of two digits by three speakers, four each."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for digit in (0, 7):
        for speaker in ("ann", "bob", "theo"):
            for number in range(4):
                wav(folder / f"{digit}_{speaker}_{number}.wav", tone(440, 8000, 0.3), 8000)
    (folder / "README.wav").write_bytes(b"")
    return folder


def test_a_speaker_is_held_out(digits, tmp_path):
    assert run(make_fsdd, digits, tmp_path / "set") == 0
    train, held = (rows(tmp_path / f"set/{name}.jsonl") for name in ("train", "eval"))
    assert {row["speaker"] for row in train} == {"ann", "bob"} and {row["speaker"] for row in held} == {"theo"}
    assert len(train) == 16 and len(held) == 8 and {row["text"] for row in held} == {"zero", "seven"}
    data = AudioManifest(str(tmp_path / "set/eval.jsonl"), vocab=str(tmp_path / "set/vocab.txt"))
    assert data.check(deep=True) == [] and data.num_classes == 16  # the blank, and the letters of ten words


def test_a_share_of_each_speaker_is_held_out_at_random(digits, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run(make_fsdd, digits, tmp_path / name, "--random", 0.25, "--seed", seed) == 0
    held = [rows(tmp_path / f"{name}/eval.jsonl") for name in "abc"]
    assert [row["speaker"] for row in held[0]].count("ann") == 2 and len(held[0]) == 6
    names = [{pathlib.Path(row["audio_filepath"]).name for row in one} for one in held]
    assert names[0] == names[1] != names[2]
    assert not names[0] & {pathlib.Path(row["audio_filepath"]).name for row in rows(tmp_path / "a/train.jsonl")}


def test_unknown_speakers_and_other_folders_are_refused(digits, tmp_path, capfd):
    assert run(make_fsdd, digits, tmp_path / "set", "--held-out", "teo") == 2
    assert "did you mean 'theo'" in capfd.readouterr().err
    assert run(make_fsdd, tmp_path, tmp_path / "set") == 3 and "D104" in capfd.readouterr().err
    assert run(make_fsdd, digits, tmp_path / "set", "--held-out", "ann", "bob", "theo") == 2


@pytest.mark.skipif(not REAL.is_dir(), reason="the digits are not here")
def test_the_digits_of_six_speakers_are_all_there(tmp_path):
    assert run(make_fsdd, REAL, tmp_path) == 0
    sizes = [len(AudioManifest(str(tmp_path / f"{name}.jsonl"))) for name in ("train", "eval")]
    assert sizes == [2500, 500]


@pytest.mark.parametrize(
    "written, text",
    [
        (" Activated.", "activated"),
        ("That isn't  right -- 'try' again...", "that isn't right try again"),
        ("Press 1, or 2.", "press one or two"),
        ("press * then #", "press star then pound"),
        ("dash [-]", "dash"),
        ("[this is a simple beep tone]", ""),
        ("<beep ascending>", ""),
        ("(10 seconds of silence)", ""),
        ("dial 500 now", ""),
        ("28.8 kilobit", ""),
    ],
)
def test_prompts_are_normalized_as_they_are_spoken(written, text):
    assert make_prompts.normalize(written) == text


def test_prompts_are_split_so_that_no_text_is_in_both_parts(tmp_path, capfd):
    lines = ["; a comment", "", "beep: [a tone]", "missing: not there"]
    for number in range(40):
        wav(tmp_path / f"p{number}.wav", tone(440, 8000, 0.3), 8000)
        lines.append(f"p{number}: Press {number % 10}.")
    wav(tmp_path / "beep.wav", tone(440, 8000, 0.3), 8000)
    (tmp_path / "texts.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    given = [tmp_path / "set", "--sounds", tmp_path, "--texts", tmp_path / "texts.gz", "--held-out", 0.2]
    assert run(make_prompts, *given) == 0 and "left out: 1" in capfd.readouterr().out
    train, held = ({row["text"] for row in rows(tmp_path / f"set/{name}.jsonl")} for name in ("train", "eval"))
    assert len(train) == 8 and len(held) == 2 and not train & held


def test_packages_that_are_not_installed_are_named(tmp_path, capfd):
    assert run(make_prompts, tmp_path, "--texts", tmp_path / "none.gz") == 4
    assert "apt-get install asterisk-core-sounds-en" in capfd.readouterr().err


def test_a_vocabulary_is_made_of_manifests(tmp_path, capfd):
    (tmp_path / "a.jsonl").write_text('{"text": "ba  b"}\n\n{"text": "c"}\n')
    assert run(make_vocabulary, tmp_path / "a.jsonl", "--out", tmp_path / "vocab.txt") == 0
    assert (tmp_path / "vocab.txt").read_text() == "<space>\na\nb\nc\n" and "5 classes" in capfd.readouterr().out
    assert run(make_vocabulary, tmp_path / "a.jsonl", "--min-count", 2, "--out", tmp_path / "vocab.txt") == 0
    assert (tmp_path / "vocab.txt").read_text() == "<space>\nb\n"
    (tmp_path / "a.jsonl").write_text('{"text": "b"}\n{"txt": "c"}\n')
    assert run(make_vocabulary, tmp_path / "a.jsonl", "--out", tmp_path / "vocab.txt") == 3
    assert "line 2" in capfd.readouterr().err


def test_synthetic_recordings_depend_on_the_seed(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_spoken_tones(tmp_path / name, train=3, evaluation=2, seed=seed)
    files = [[path.read_bytes() for path in sorted((tmp_path / name).rglob("*.*"))] for name in "abc"]
    assert files[0] == files[1] != files[2] and len(files[0]) == 11
    for split, count in (("train", 3), ("eval", 2)):
        data = AudioManifest(str(tmp_path / f"a/{split}.jsonl"), vocab=str(tmp_path / "a/vocab.txt"))
        assert len(data) == count and data.check(deep=True) == []


def test_the_programs_run_from_anywhere(tmp_path):
    script = pathlib.Path(make_fsdd.__file__).with_name("make_spoken_tones.py")
    done = subprocess.run([sys.executable, script, "set", "--train", "1", "--eval", "1"], cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "set/wav/eval_0000.wav").is_file()
