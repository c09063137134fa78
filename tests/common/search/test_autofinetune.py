"""Tests of `hub autofinetune` over scripts that end at once, and over a configuration."""

import csv
import json

import pytest

pytest.importorskip("optuna")

from common.search.evaluators import PopulationBased
from common.search.figures import running_best
from common.search.scripts import ScriptTrials
from tests.common.search.search_kit import make_kit
from tests.made.commands import command

SCRIPT = """
import json, os, pathlib, sys
values = dict(word[2:].split("=", 1) for word in sys.argv[1:])
folder = pathlib.Path(values["saved_params_dir"])
(folder / "model.json").write_text(json.dumps(values))
x = float(values["x"])
if values["kind"] == "crash":
    sys.exit("error: this one cannot be trained")
if values["kind"] != "silent":
    pathlib.Path(os.environ["KIT_SCORE_FILE"]).write_text("nan" if values["kind"] == "nan" else str(-10 - (x - 3) ** 2))
"""
HPARAMS = """param_list:
- {name: x, type: float, greater_than: 0, lower_than: 6}
- {name: kind, type: choice, values: [good, fine]}
"""


def files(folder, hparams=HPARAMS):
    (folder / "train.py").write_text(SCRIPT)
    (folder / "hparam.yaml").write_text(hparams)
    return ["autofinetune", folder / "train.py", "--param_file", folder / "hparam.yaml", "--output_dir", folder / "out"]


def rows(folder):
    with open(folder / "out/trials.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_script_is_searched_and_its_best_model_kept(tmp_path):
    words = files(tmp_path)
    done = command("hub", *words, "--popsize", "2", "--round", "2", "batch_size", "32", "--seed=1", "name=a=b")
    assert done.code == 0, done.err
    found = rows(tmp_path)
    best = max(found, key=lambda row: float(row["score"]))
    kept = json.loads((tmp_path / "out/best_model/model.json").read_text())
    assert len(found) == 4 and kept["x"] == best["x"] and kept["batch_size"] == "32" and kept["name"] == "a=b"
    assert "4 trained" in done.out and f"--x={best['x']}" in done.out
    # rounds after the first start from a model of the better half
    better = max(found[:2], key=lambda row: float(row["score"]))["folder"]
    assert [row["parent"] for row in found[:3]] == ["", "", better]
    later = json.loads((tmp_path / "out" / found[2]["folder"] / "model/model.json").read_text())
    assert later["model_path"].endswith(f"{better}/model") and later["epochs"] == "1"
    for name in ("visualization/progress.png", "visualization/hyperparameters.png", "log_file.txt"):
        assert (tmp_path / "out" / name).stat().st_size > 100, name
    command("hub", *words, "--popsize", "2").refused(2, "-r auto")
    again = command("hub", *words, "--popsize", "2", "--round", "3", "--seed=1", "-r", "auto", "--workers", "2")
    assert again.code == 0 and "6 trained" in again.out and len(rows(tmp_path)) == 6


def test_a_script_that_crashes_is_a_failed_trial_and_never_the_best(tmp_path):
    words = files(tmp_path, "kind: [good, crash, nan, silent]\n")
    done = command("hub", *words, "--strategy", "grid", "--evaluator", "FullTrail", "x", "5", "--workers", "2")
    assert done.code == 0, done.err
    found = {row["kind"]: row for row in rows(tmp_path)}
    assert len(found) == 4 and "score -14," in done.out  # below the 0.0 that a crash would have been
    assert found["crash"]["outcome"] == "failed" and "cannot be trained" in found["crash"]["reason"]
    assert found["nan"]["outcome"] == "diverged" and found["good"]["score"] == "-14"
    assert "report_final_result" in found["silent"]["reason"] and "parent" not in found["good"]
    assert "epochs" not in json.loads((tmp_path / "out/best_model/model.json").read_text())


def test_a_search_without_a_score_ends_with_the_reason(tmp_path):
    done = command("hub", *files(tmp_path, "kind: [crash, silent]\n"), "--strategy", "grid", "x", "5")
    assert done.code == 1 and done.err.splitlines()[-1].startswith("error: no trial has a score: 2 failed; the first")
    assert "cannot be trained" in done.err and len(rows(tmp_path)) == 2


def test_the_keys_of_a_configuration_are_searched(tmp_path):
    config = make_kit(tmp_path / "Kit", "type: TPE\nspace: {model.x: [1, 2]}")
    (tmp_path / "keys.yaml").write_text("model.x: [0.0, 6.0, linear]\n")
    words = ["autofinetune", config, "--param_file", tmp_path / "keys.yaml", "--output_dir", tmp_path / "out"]
    done = command("hub", *words, "--strategy", "bayes", "--popsize", "2", "--round", "2", "model.kind=fine")
    assert done.code == 0, done.err
    found = rows(tmp_path)
    assert len(found) == 4 and found[2]["parent"] in ("trial_0000", "trial_0001")
    assert "model.kind=fine" in done.out and (tmp_path / "out/best_model/state.json").is_file()
    (tmp_path / "keys.yaml").write_text("model.y: [0.0, 6.0, linear]\n")
    command("hub", *words).refused(2, "model.y")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--popsize", "0"], "--popsize is 0"),
        (["--popsize", "1"], "popsize is 1; allowed: 2 or more"),
        (["--gpu", "a"], "numbers of graphics cards"),
        (["batch_size"], "'batch_size' has no value"),
        (["--metric", "top1"], "--metric is for configurations"),
        (["--strategy", "hazro"], "did you mean 'hazero'"),
        (["--param_fil", "x"], "--param_file"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused(words, said, tmp_path):
    command("hub", *files(tmp_path), *words).refused(2, said)
    assert not (tmp_path / "out").exists()


def test_a_missing_script_is_named(tmp_path):
    words = files(tmp_path)
    command("hub", words[0], tmp_path / "trian.py", *words[2:]).refused(2, "no such file", "train.py")


def test_each_trial_has_a_graphics_card_of_its_own(tmp_path):
    trainer, first, second = ScriptTrials(tmp_path / "train.py", tmp_path, devices=["3", "5"]), {}, {}
    with trainer.device(first), trainer.device(second):
        assert {first["CUDA_VISIBLE_DEVICES"], second["CUDA_VISIBLE_DEVICES"]} == {"3", "5"} and trainer.devices.empty()
    assert trainer.devices.qsize() == 2
    none = {}
    with ScriptTrials(tmp_path / "train.py", tmp_path).device(none):
        assert none == {}


def test_no_trial_of_the_first_round_has_a_parent():
    import optuna

    study = optuna.create_study(direction="maximize")
    for number in range(4):
        trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        trial.set_user_attr("outcome", "trained")
        trial.set_user_attr("folder", f"trial_{number}")
        study.tell(trial, [0.1, 0.4, 0.3, 0.2][number])
    study.ask()
    assert PopulationBased(5)(study, 4) is None
    assert [PopulationBased(2)(study, 4), PopulationBased(3)(study, 4)] == ["trial_1", "trial_2"]


def test_the_running_best_follows_the_direction():
    assert running_best([1, 3, 2], True) == [1, 3, 3] and running_best([2, 3, 1], False) == [2, 2, 1]
