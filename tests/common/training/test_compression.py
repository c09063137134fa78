"""Tests of `slim:`: validation, compression once per run, and the structure saved with the weights."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from common.build.model import build_model, load_weights, read_configured_weights
from common.config import load_config
from common.config.kits import ROOT
from common.errors import ConfigError, EnvironmentProblem
from common.weights import checkpoint
from common.weights.manifest import CheckpointError
from common.weights.structure import FILE, read_structure
from tests.made.commands import command

TINY = ROOT / "PaddleCV/configs/tiny/mobilenet_v1.yml"
METHOD = '''
"""A toy way to change a model: a factor for each class, and a term of the loss."""

import paddle
from paddle import nn

from common.training.compression import Compression


class Factors(Compression):
    """Gives each class a factor that starts with what the data say.

    Args:
        start (float): of every factor, before the mean of the first batch is added.
        weight (float): of the loss.
        at_once (bool): whether nothing is trained.
        seed (int): given.
    """

    def __init__(self, start=1.0, weight=0.0, at_once=False, seed=0):
        self.start, self.weight, self.trains = start, weight, not at_once

    def compress(self, model, context):
        """One more layer."""
        (batch,) = context.batches("train", 1)
        assert 0 <= context.evaluate(model, 1)["top1"] <= 1
        shift = float(batch["image"].mean())
        (context.folder / "seen").mkdir(parents=True, exist_ok=True)
        add_factors(model, 10)
        model.head.factors.set_value(paddle.full([10], self.start + shift))
        return [{"type": "add_factors", "classes": 10}]

    def loss(self, model, batch, losses):
        """One more term."""
        return losses | {"loss_factors": self.weight * (model.head.factors**2).mean()}


class Head(nn.Layer):
    """A head and its factors."""

    def __init__(self, head, classes):
        super().__init__()
        self.head = head
        self.factors = self.create_parameter([classes])

    def forward(self, features):
        """Logits."""
        return self.head(features) * self.factors


def add_factors(model, classes):
    """The step."""
    model.head = Head(model.head, classes)


class Innocent(nn.Layer):
    """No method."""
'''


@pytest.fixture(scope="module")
def toy_kit(tmp_path_factory):
    """A kit outside the repository with one method."""
    kit = tmp_path_factory.mktemp("kits") / "ToySlim"
    (kit / "models").mkdir(parents=True)
    (kit / "configs").mkdir()
    (kit / "models/toy.py").write_text(METHOD)
    (kit / "configs/toy.yml").write_text(
        f"_base_: {TINY}\nslim: {{type: Factors, weight: 0.1}}\ntrain: {{epochs: 2, save_every_steps: 3}}\n"
    )
    return kit


def trained_on_one_thread(*arguments):
    """The output of a training in a separate process, whose bits no number of threads changes."""
    words = [sys.executable, ROOT / "tools/train.py", "--eval", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "KIT_THREADS": "1"}
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def options(toy_kit, made_sets, place, *more):
    return ["-c", toy_kit / "configs/toy.yml", "-o", f"dataset={made_sets.folder('digit_classes')}",
            f"output_dir={place}", "log_every=1", *more]  # fmt: skip


@pytest.fixture(scope="module")
def run(toy_kit, made_sets, tmp_path_factory):
    """A finished run: (folder, arguments)."""
    place = tmp_path_factory.mktemp("runs")
    arguments = options(toy_kit, made_sets, place)
    assert "loss_factors" in trained_on_one_thread(*arguments)
    return place / "toy", arguments


def test_a_configuration_over_one_of_another_kit_is_of_that_kit(toy_kit):
    config = load_config(toy_kit / "configs/toy.yml")
    config.check()
    assert config.kit == ROOT / "PaddleCV" and config.get("slim.kit") == str(toy_kit)
    assert config.get("optimizer.type") == "Adam" and config.get("log_every") == 20
    assert config.to_dict()["slim"] == {
        "kit": str(toy_kit), "type": "Factors", "weight": 0.1, "start": 1.0, "at_once": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("slim.wieght=1", "did you mean 'weight'"),
        ("slim.start=fast", "start is 'fast'"),
        ("slim.type=Factor", "did you mean 'Factors'"),
        ("slim.type=Innocent", "slim takes compression methods (Factors)"),
        ("slim.kit=ToySlin", "there is no kit 'ToySlin'"),
        ("slim=3", "it takes a node"),
    ],
)
def test_a_wrong_slim_is_refused_at_its_place(toy_kit, override, words):
    with pytest.raises(ConfigError) as caught:
        load_config(toy_kit / "configs/toy.yml", [override]).check()
    assert words in str(caught.value) and f"-o {override}" in str(caught.value)


def test_without_the_kit_of_methods_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("common.config.kits.METHODS", "NoSlim")
    config = load_config(TINY, ["slim={type: X}"])
    with pytest.raises(EnvironmentProblem, match="copy the folder NoSlim to"):
        config.check()


def test_the_structure_lies_beside_the_weights_and_leads_to_the_same_scores(run):
    folder, arguments = run
    structure = read_structure(folder / "best")
    assert structure.steps == ({"type": "add_factors", "classes": 10},)
    assert structure.methods[0]["weight"] == 0.1
    assert FILE in json.loads((folder / "best/manifest.json").read_text())["files"]
    best = json.loads((folder / "best/state.json").read_text())["best"]
    answer = command("eval", *arguments, f"weights={folder / 'best'}", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)[best["metric"]] == best["score"]


def test_a_configuration_without_slim_finds_the_structure_too(run, toy_kit, made_sets, monkeypatch):
    folder, _ = run
    labels, paths = [str(i) for i in range(10)], [f"dataset={made_sets.folder('digit_classes')}", f"weights={folder}"]
    with pytest.raises(CheckpointError, match="has the unknown type 'add_factors'"):
        build_model(load_config(TINY, paths), labels)
    monkeypatch.setattr("common.config.kits.METHODS", str(toy_kit))
    config = load_config(TINY, paths)
    model = build_model(config, labels)
    load_weights(model, read_configured_weights(config), config)
    assert model.head.factors.shape == [10]


def test_the_export_carries_the_structure_and_equals_the_model(run, tmp_path):
    folder, arguments = run
    answer = command("export", *arguments, f"weights={folder / 'best'}", "--out", tmp_path / "export")
    assert answer.code == 0 and "equals the trained one" in answer.err, answer.err
    assert (tmp_path / "export" / FILE).read_bytes() == (folder / "best" / FILE).read_bytes()


def test_weights_of_another_slim_are_refused(run, made_sets):
    folder, arguments = run
    answer = command("eval", *arguments, f"weights={folder / 'best'}", "slim.weight=0.2")
    answer.refused(2, "-o slim.weight=0.2: slim.weight is 0.2", "was trained with 0.1", "slim=null")
    answer = command("train", "-r", "auto", *arguments, "slim.start=2.0")
    answer.refused(2, "slim.start is 2.0", "was trained with 1.0")


def test_weights_without_a_structure_are_refused_under_slim(run, made_sets, tmp_path):
    folder, arguments = run
    shutil.copy(folder / "best/model.safetensors", tmp_path / "plain.safetensors")
    answer = command("eval", *arguments, f"weights={tmp_path / 'plain.safetensors'}")
    answer.refused(2, "was trained without slim", "slim=null")


def test_a_run_resumed_in_the_middle_ends_in_the_same_bits_and_compresses_once(run, toy_kit, made_sets, tmp_path):
    folder, _ = run
    last = checkpoint.read_checkpoint(folder / "last")[0]
    middle = min(folder.glob("step_*"), key=lambda path: int(path.name.removeprefix("step_")))
    assert middle.name != (folder / "last").resolve().name
    assert "resumed" in trained_on_one_thread("-r", middle, *options(toy_kit, made_sets, tmp_path))
    assert not (tmp_path / "toy/seen").exists()
    again = checkpoint.read_checkpoint(tmp_path / "toy/last")[0]
    for group, arrays in last.items():
        assert arrays.keys() == again[group].keys()
        assert all(np.array_equal(arrays[name], again[group][name]) for name in arrays), group


def test_pretrained_weights_bring_their_structure_and_a_further_slim_comes_on_top(run, toy_kit, made_sets, tmp_path):
    folder, _ = run
    answer = command("train", "--eval", *options(toy_kit, made_sets, tmp_path, f"pretrained={folder / 'best'}",
                                                 "slim.at_once=true", "slim.start=0.5"))  # fmt: skip
    assert answer.code == 0 and "Factors needs no training" in answer.err, answer.err
    assert (tmp_path / "toy/best").resolve().name == "step_0"
    structure = read_structure(tmp_path / "toy")
    assert len(structure.steps) == 2 and [m["start"] for m in structure.methods] == [1.0, 0.5]
    names = checkpoint.read_weights(tmp_path / "toy/best")
    assert "head.head.head.fc.weight" in names and "head.head.factors" in names
    again = command("train", "--eval", "-r", "auto", *options(toy_kit, made_sets, tmp_path, "slim.at_once=true",
                                                              "slim.start=0.5"))  # fmt: skip
    assert again.code == 0, again.err


def test_a_dry_run_tries_the_method(toy_kit, made_sets, tmp_path):
    answer = command("train", "--eval", "--dry-run", *options(toy_kit, made_sets, tmp_path))
    assert answer.code == 0 and "dry run passed" in answer.err, answer.err
    assert not (tmp_path / "toy").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"format": 2, "methods": [], "steps": []}', "format 2 is not supported"),
        ('{"format": 1, "methods": []', "not a model structure"),
        (
            '{"format": 1, "methods": [], "steps": [{"type": "Decode"}]}',
            "step 1 of its structure has the unknown type 'Decode'",
        ),
        ('{"format": 1, "methods": [], "steps": [{"type": "add_factors", "size": 3}]}', "does not fit ImageClassifier"),
    ],
)
def test_a_wrong_structure_is_named(run, tmp_path, content, words):
    folder, arguments = run
    shutil.copy(folder / "best/model.safetensors", tmp_path / "model.safetensors")
    (tmp_path / FILE).write_text(content)
    command("eval", *arguments, f"weights={tmp_path / 'model.safetensors'}").refused(4, words)
