"""Options that would be ignored, and files that are not what their names say: refused with one message."""

import os

import pytest
import yaml

from common.errors import ConfigError, EnvironmentProblem
from common.inference.predictor import Predictor
from common.weights.manifest import write_manifest
from tests.made.commands import command
from tests.reliability.training_runs import KIT

CONFIG = KIT / "configs/tiny.yml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run of one step."""
    place = tmp_path_factory.mktemp("run")
    given = [f"output_dir={place}", "train.workers=0", "train.max_steps=1"]
    assert command("train", "-c", CONFIG, "--no-check", "-o", *given).code == 0
    return place / "tiny"


@pytest.mark.parametrize(
    ("tool", "options", "words"),
    [
        ("infer", ["--model", "somewhere", "-o", "train.batch_size=2"], ["-o", "no configuration"]),
        ("infer", ["--model", "somewhere", "--print-config"], ["--print-config", "no configuration"]),
        ("infer", ["-c", CONFIG, "--weights", "somewhere", "--engine", "openvino"], ["--engine", "--model"]),
        ("infer", ["-c", CONFIG, "--weights", "somewhere", "--threads", "2"], ["--threads", "KIT_THREADS"]),
        ("eval", ["-c", CONFIG, "--weights", "somewhere", "--engine", "openvino"], ["--engine", "--model"]),
        ("eval", ["-c", CONFIG, "--weights", "somewhere", "--model", "elsewhere"], ["--weights or --model"]),
        ("infer", ["-c", "PaddleRec/configs/tiny/deepfm.yml", "--input", "a.csv", "--out", "b"], ["Ranking", "--out"]),
        ("train", ["-c", CONFIG, "-r", "auto", "--overwrite"], ["-r", "--overwrite", "one of them"]),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(tool, options, words):
    command(tool, *options).refused(2, *words)


@pytest.mark.parametrize("text", ["", "a/b", "step_1\n", "../run"])
def test_a_file_called_last_that_names_no_checkpoint_is_refused(tmp_path, text):
    (tmp_path / "last").write_text(text)
    command("train", "-c", CONFIG, "-r", tmp_path / "last", "-o", f"output_dir={tmp_path}").refused(2, "last")


def test_labels_come_from_a_text_file_with_or_without_blank_lines_at_its_end(tmp_path):
    file, given = tmp_path / "labels.txt", ["-o", f"output_dir={tmp_path}", f"labels={tmp_path / 'labels.txt'}"]
    file.write_bytes("暗\n灰\n亮\n".encode("gbk"))
    command("train", "-c", CONFIG, *given).refused(2, "labels.txt", "UTF-8")
    file.write_text("dark\ngray\nbright\n\n \n")
    assert "labels: [dark, gray, bright]" in command("train", "-c", CONFIG, *given, "--print-config").out


def test_an_export_goes_where_a_link_leads_and_not_into_the_current_folder(run, tmp_path, monkeypatch):
    given = ["-c", CONFIG, "--weights", run / "last"]
    monkeypatch.chdir(tmp_path)
    command("export", *given, "--out", ".").refused(2, "choose another --out")
    os.mkdir("real")
    os.symlink("real", "link")
    for _ in range(2):
        answer = command("export", *given, "--out", "link")
        assert answer.code == 0, answer.err
    assert os.readlink("link") == "real" and os.path.isfile("real/infer.yml")
    assert sorted(os.listdir()) == ["link", "real"]


def test_an_export_calls_nothing_but_transforms_and_reads_nothing_but_its_own_files(run, tmp_path):
    folder = tmp_path / "export"
    assert command("export", "-c", CONFIG, "--weights", run / "last", "--out", folder).code == 0
    about = yaml.safe_load((folder / "infer.yml").read_text())
    (tmp_path / "words.txt").write_text("<blank>\na\n")

    def refuse(changed, words):
        (folder / "infer.yml").write_text(yaml.safe_dump(changed))
        (folder / "manifest.json").unlink()
        write_manifest(folder)
        with pytest.raises((ConfigError, EnvironmentProblem), match=words):
            Predictor(folder)

    for entry, words in (
        ({"type": "write_issues", "path": str(tmp_path / "written"), "issues": []}, "there is no 'write_issues'"),
        ({"type": "Loader", "dataset": [], "pipeline": 0, "sampler": 0}, "'Loader' is no transform"),
        ({"type": "CharacterIds", "vocab": "../words.txt"}, "words.txt is outside of the folder"),
        ({"type": "CharacterIds", "vocab": str(tmp_path / "words.txt")}, "words.txt is outside of the folder"),
    ):
        refuse(about | {"preprocess": [entry]}, words)
    refuse(about | {"task": "Loader"}, "'Loader' is no Task")
    loader = {"type": "Loader", "dataset": [], "pipeline": 0, "sampler": 0}
    refuse(
        about | {"task": "SpeechRecognition", "postprocess": {"decoder": loader}},
        "'Loader' is no transform or BeamSearch",
    )
    refuse(about | {"task": "SequenceLabeling", "postprocess": {"dictionary": "../words.txt"}}, "outside of the folder")
    assert not (tmp_path / "written").exists()


def test_overwriting_a_run_leaves_what_training_did_not_write(tmp_path):
    given = ["-c", CONFIG, "--no-check", "-o", f"output_dir={tmp_path}", "train.workers=0", "train.max_steps=2"]
    assert command("train", *given).code == 0
    kept = ["search.journal", "trial_0001/step_5/model.safetensors", "export/infer.yml", "JPEGImages/0001.jpg"]
    for name in kept:
        file = tmp_path / "tiny" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert command("train", "--overwrite", *given, "train.max_steps=1").code == 0
    assert [name for name in kept if not (tmp_path / "tiny" / name).is_file()] == []
    assert [path.name for path in (tmp_path / "tiny").glob("step_*")] == ["step_1"]


def test_bases_that_lead_in_a_circle_through_two_kits_are_refused(tmp_path):
    for name, other in (("One", "Two"), ("Two", "One")):
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / "configs").mkdir()
        (tmp_path / name / "configs/a.yml").write_text(f"_base_: ../../{other}/configs/a.yml\n")
    command("train", "-c", tmp_path / "One/configs/a.yml").refused(2, "Two/configs/a.yml:1", "One/configs/a.yml -> ")


@pytest.mark.parametrize("name", ["trials.journal", "trials.db", "bogus://place"])
def test_a_storage_that_is_none_is_refused(tmp_path, name):
    where = name if "://" in name else tmp_path / name
    if where != name:
        where.write_text("no journal, and no database either\n")
    search = "search={type: RandomSearch, trials: 1, space: {optimizer.lr.base: [0.01, 0.02]}}"
    answer = command("search", "-c", CONFIG, "--storage", where, "-o", f"output_dir={tmp_path}", search)
    answer.refused(4, f"--storage {where}", "cannot be opened")
