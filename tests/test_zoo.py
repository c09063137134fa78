"""Tests of the model zoo: `tests/zoo.csv` is complete and correct."""

import contextlib
import re
import shlex
from pathlib import Path

import paddle
import pytest

from common.build.macs import count_macs
from common.config import load_config
from common.config.kits import ROOT
from common.testing import count_parameters
from tests.made.tiny_twins import first_losses, losses_before_and_after
from tests.made.tracked import tracked
from tools import zoo

ROWS = zoo.read_zoo()
TWINS = list({(row["kit"], row["tiny"]): row for row in reversed(ROWS)}.values())[::-1]  # the first row of each twin
TOLERANCE = (2e-3, 5e-2, 1e-1)  # of each step: another processor rounds differently, and each step makes more of it


def name(row):
    return Path(row["config"]).stem


def is_gan(row):
    """True if the losses of a row's phases oppose each other, so that their sum need not decrease."""
    return row["kit"] == "PaddleCV" and "/generation/" in row["tiny"]


def skip_without_environments(row):
    """Agents act in environments of a package that is optional."""
    if row["kit"] == "PaddleRL":
        pytest.importorskip("gymnasium")


def slow_but(chosen):
    """The rows of different twins as parameters; all but the chosen ones take long."""
    return [pytest.param(row, id=name(row), marks=() if name(row) in chosen else pytest.mark.slow) for row in TWINS]


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_row_is_complete(row):
    assert (ROOT / row["kit"] / row["config"]).is_file()
    assert (ROOT / row["kit"] / shlex.split(row["tiny"])[0]).is_file()
    assert int(row["parameters"]) > 0 and int(row["classes"]) >= 0  # 0 where it writes tokens
    assert len(row["first_losses"].split()) == 3
    assert bool(row["score"]) == bool(row["command"]), "a score has its command"
    for command in filter(None, row["command"].split(" && ")):
        assert re.match(r"python \S*tools/\w+\.py ", command)


def test_every_configuration_has_one_row():
    listed = [(row["kit"], row["config"]) for row in ROWS]
    assert len(set(listed)) == len(listed)
    for kit in {row["kit"] for row in ROWS}:
        files = tracked(f"{kit}/configs/*.yml")
        full = {str(file.relative_to(ROOT / kit)) for file in files if not {"_base_", "tiny"} & set(file.parts)}
        assert {config for owner, config in listed if owner == kit} == full


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_full_size_model_has_the_parameters_of_its_row(row):
    config = load_config(ROOT / row["kit"] / row["config"])
    labels = config.get("labels")
    assert labels is None or len(labels) == int(row["classes"])
    labels = labels or [str(number) for number in range(int(row["classes"]))]
    # the framework's GRU and its spectral norm cannot be built without memory
    in_memory = row["kit"] == "PaddleRec" or config.get("model.type") == "Spade"
    with contextlib.nullcontext() if in_memory else paddle.LazyGuard():
        model = config.build("model", num_classes=len(labels), labels=labels)
    assert count_parameters(model)[0] == int(row["parameters"])


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS if row["macs"]], ids=name)
def test_a_full_size_model_has_the_macs_of_its_row(row):
    config = load_config(ROOT / row["kit"] / row["config"])
    labels = [str(number) for number in range(int(row["classes"]))]
    model = config.build("model", num_classes=len(labels), labels=labels)
    size = config.get("size", 32)  # the small sets have images of 32 pixels
    height, width = (size, size) if isinstance(size, int) else size
    answers = []
    hook = model.head.register_forward_post_hook(lambda layer, given, output: answers.append(output))
    assert count_macs(model, paddle.rand([1, model.inputs["image"][0][1], height, width])) == int(row["macs"])
    hook.remove()
    assert answers[0].shape == [1, int(row["classes"])] and paddle.isfinite(answers[0]).all().item()


@pytest.mark.parametrize("twin", TWINS, ids=name)
def test_rows_that_share_a_twin_have_its_first_losses(twin):
    expected = [float(text) for text in twin["first_losses"].split()]
    for row in ROWS:
        if (row["kit"], row["tiny"]) == (twin["kit"], twin["tiny"]):
            assert [float(text) for text in row["first_losses"].split()] == pytest.approx(expected, rel=TOLERANCE[0])


@pytest.mark.parametrize("row", slow_but({"yolov3", "yolov3_mobilenet_v3"}))
def test_the_first_losses_of_a_tiny_twin_are_those_of_its_row(row, made_sets, tmp_path):
    skip_without_environments(row)
    losses = first_losses(row, made_sets, tmp_path)
    expected = [float(text) for text in row["first_losses"].split()]
    measured = " ".join(f"{value:.4f}" for value in losses)
    for value, wanted, tolerance in zip(losses, expected, TOLERANCE, strict=True):
        assert value == pytest.approx(wanted, rel=tolerance, abs=5e-5), (
            f"if the change is meant, the row says {measured}"
        )


@pytest.mark.parametrize("row", [case for case in slow_but({"yolov3"}) if not is_gan(case.values[0])])
def test_a_tiny_twin_trains_in_seconds_and_its_loss_decreases(row, made_sets, tmp_path):
    skip_without_environments(row)
    for steps in (16, 80):  # a few need more, because their rate rises first
        before, after = losses_before_and_after(row, made_sets, tmp_path / str(steps), steps)
        if after < 0.93 * before:
            break
    assert after < 0.93 * before


def test_the_documents_written_from_the_zoo_are_up_to_date():
    assert zoo.main(["--check"]) == 0


def test_a_change_of_the_zoo_is_noticed_and_a_wrong_column_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(zoo, "ROOT", tmp_path)
    assert zoo.main(["--check"]) == 2 and "python tools/zoo.py" in capsys.readouterr().err
    assert zoo.main([]) == 0 and zoo.main(["--check"]) == 0
    (tmp_path / "docs/choosing_cn.md").write_text("")
    assert zoo.main(["--check"]) == 2 and capsys.readouterr().err.startswith("choosing_cn.md is not")
    (tmp_path / "zoo.csv").write_text("kit,model\n")
    with pytest.raises(ValueError, match="the columns are kit, model, config"):
        zoo.read_zoo(tmp_path / "zoo.csv")
