"""Every exported model answers in C++ as it did when it was exported."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from common.build.data import build_dataset
from common.build.learn_transforms import fit_transforms
from common.build.model import build_model, labels_of
from common.config import load_config
from common.export import write
from common.export.compare import differences
from common.export.write import example_inputs, export
from common.inference.predictor import Predictor
from tests.made.tiny_twins import arguments
from tools import zoo

TOLERANCE = 1e-4


def twins():
    """The rows of the zoo, one of each tiny configuration now, the others in `make smoke`."""
    seen = set()
    for row in zoo.read_zoo():
        family = (row["kit"], shlex.split(row["tiny"])[0])
        marks = pytest.mark.slow if family in seen else ()
        seen.add(family)
        yield pytest.param(row, id=Path(row["config"]).stem, marks=marks)


def exported_twin(row, sets, folder, onnx=False):
    """The tiny twin of a row on its first, untrained weights, exported."""
    given = arguments(row, sets)
    config = load_config(given[1], given[3:])
    config.check()
    fit_transforms(config, build_dataset(config, "train"))
    labels = labels_of(config)
    if labels is not None:
        config.fix(labels=labels, num_classes=len(labels))
    model = build_model(config, labels)
    model.eval()
    export(model, config, labels, example_inputs(model, config), folder, onnx)
    return folder


@pytest.fixture
def answers_of_python(monkeypatch):
    """A list of what the exported program answers when the export compares it with the model in memory."""
    answers = []

    class Remembering(Predictor):
        def run(self, inputs):
            answers.append(super().run(inputs))
            return answers[-1]

    monkeypatch.setattr(write, "Predictor", Remembering)
    return answers


@pytest.mark.parametrize("row", twins())
def test_a_tiny_twin_answers_in_cpp_as_in_python(row, made_sets, program, answers_of_python, tmp_path):
    folder = exported_twin(row, made_sets, tmp_path / "export")
    (in_python,) = answers_of_python
    answer = program("--model", folder, "--input", folder / "golden.npz", "--output", tmp_path / "out.npz")
    assert answer.code == 0, answer.err
    apart = differences(dict(np.load(tmp_path / "out.npz")), in_python)
    assert max(apart.values()) <= TOLERANCE, apart


def test_a_golden_that_is_not_met_is_code_1(exported, program, tmp_path):
    import shutil

    from common.weights.manifest import write_manifest

    folder = shutil.copytree(exported, tmp_path / "export")
    golden = dict(np.load(folder / "golden.npz"))
    golden["out/boxes"] = golden["out/boxes"] + np.float32(1)
    np.savez(folder / "golden.npz", **golden)
    (folder / "manifest.json").unlink()
    write_manifest(folder)
    answer = program("--model", folder, "--golden", "--json").refused(1, "not those of the export")
    assert json.loads(answer.out)["golden"] is False
    assert program("--model", exported, "--golden").code == 0
