"""End-to-end test of audio input: fitting, training, evaluation, export, inference, by a kit made for this test."""

import json
import shutil

import pytest

from tests.made.commands import command
from tests.made.speech_kit import arguments, make_speech_kit


@pytest.fixture(scope="module")
def trained(made_sets, tmp_path_factory):
    """The folder of a kit, with its data and a run of it, exported."""
    return make_speech_kit(tmp_path_factory.mktemp("speech") / "TinySpeech", made_sets.folder("spoken_tones"))


def test_files_of_fitted_transforms_are_in_checkpoints_and_exports(trained):
    learned = (trained / "data_set/learned.stats").read_bytes()
    assert (trained / "output/counter/last/learned.stats").read_bytes() == learned
    assert (trained / "output/counter/export/learned.stats").read_bytes() == learned
    done = command("fit", *arguments(trained))
    assert done.code == 0 and "nothing to learn" in done.out


def test_a_checkpoint_and_its_export_predict_the_same_from_a_recording(trained, tmp_path):
    exported = shutil.copytree(trained / "output/counter/export", tmp_path / "elsewhere")
    recording = trained / "data_set/wav/eval_0003.wav"
    by_export = command("infer", "--model", exported, recording, "--json")
    weights = f"weights={trained}/output/counter/last"
    by_checkpoint = command("infer", *arguments(trained), weights, "--input", recording, "--json")
    assert by_export.code == by_checkpoint.code == 0, by_export.err + by_checkpoint.err
    answers = [json.loads(done.out) for done in (by_export, by_checkpoint)]
    assert answers[0] == answers[1] and answers[0]["audio"] == str(recording)
    (record,) = answers[0]["predictions"]
    assert len(record["text"]) <= 1 and 0 < record["score"] <= 1
    piped = command("infer", "--model", exported, "-", "--json", stdin=recording.read_bytes())
    assert json.loads(piped.out)["predictions"] == [record]


def test_a_folder_is_processed_and_its_bad_files_are_named(trained, tmp_path):
    for name in ("eval_0000", "eval_0001"):
        shutil.copy(trained / f"data_set/wav/{name}.wav", tmp_path)
    (tmp_path / "empty.wav").write_bytes(b"")
    data = (tmp_path / "eval_0000.wav").read_bytes()
    (tmp_path / "click.wav").write_bytes(
        data[:4] + b"\xff\xff\xff\xff" + data[8:40] + (80).to_bytes(4, "little") + data[44:124]
    )
    done = command("infer", "--model", trained / "output/counter/export", tmp_path, "--batch", 3)
    lines = done.out.splitlines()
    assert done.code == 3 and len(lines) == 2 and lines[0].startswith(f"{tmp_path}/eval_0000.wav\t"), done.err
    assert "D140" in done.err and "D145" in done.err and "2 of 4 recordings could not be read" in done.err


@pytest.mark.parametrize(
    "given, code, words",
    [
        (["no.wav"], 3, ["D104", "no.wav"]),
        ([], 2, ["this model takes audio"]),
        (["--text", "hello"], 2, ["this model takes audio"]),
    ],
)
def test_invalid_inputs_are_rejected(trained, given, code, words):
    command("infer", "--model", trained / "output/counter/export", *given).refused(code, *words)


def test_a_manifest_with_a_bad_file_ends_the_run_before_it_begins(trained, tmp_path):
    data = shutil.copytree(trained / "data_set", tmp_path / "data_set")
    (data / "wav/train_0001.wav").write_bytes(b"")
    given = [*arguments(trained)[:3], f"dataset={data}", f"output_dir={tmp_path}"]
    command("train", *given).refused(3, "D140", "line 2", "train_0001.wav")
    command("check", *given).refused(3, "D140", "line 2", "train_0001.wav")
