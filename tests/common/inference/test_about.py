"""Every odd value in an infer.yml is refused with one clear message, or changes nothing that could fail."""

import shutil

import numpy as np
import pytest
import yaml

from common.errors import KitError
from common.inference import predictor as module
from common.inference.exported import Exported
from common.inference.predictor import Predictor, predict
from common.weights.manifest import write_manifest
from tests.made.spellings import replaced

ODD = (None, "", "odd", "../../etc/passwd", 0, -1, 1.5, 10**12, float("nan"), True, [], [[]], {}, {"type": "Board"})
ABOUT = {
    "format": 2,
    "name": "made",
    "task": "ImageClassification",
    "postprocess": {"n_best": 2, "threshold": 0.0},
    "program": "model.json",
    "params": "model.pdiparams",
    "inputs": [{"name": "image", "shape": [None, 3, None, None], "dtype": "float32"}],
    "outputs": ["scores"],
    "labels": ["a", "b", "c"],
    "engine": "paddle",
    "tolerance": 1e-4,
    "size_multiple": 1,
    "delete_passes": [],
    "preprocess": [
        {"type": "Decode", "max_pixels": 1000, "color": "rgb"},
        {"type": "ResizeShort", "size": 8, "interp": "bilinear"},
        {"type": "CenterCrop", "size": [8, 8]},
        {"type": "Normalize", "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
    ],
}


class Engine:
    """Scores of three classes for each image."""

    def __init__(self, *given):
        pass

    def run(self, inputs):
        return [np.tile(np.float32([0.2, 0.5, 0.3]), (len(inputs["image"]), 1))]


def places(value, path=()):
    """The paths of all values inside a tree."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(item, (*path, key))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "load_engine", Engine)
    monkeypatch.setattr(module, "run_engine", lambda engine, inputs: engine.run(inputs))
    return tmp_path


def answer(folder, about):
    """The records of an image of one color, by this description."""
    (folder / "infer.yml").write_text(about if isinstance(about, str) else yaml.safe_dump(about), encoding="utf-8")
    (folder / "manifest.json").unlink(missing_ok=True)
    write_manifest(folder)
    model = Predictor(folder)
    image = np.full((12, 10, 3), 99, np.uint8)
    return predict(model, [model.decode({"path": "x.png", "image": image})])


def test_the_description_is_answered_as_it_is(folder):
    assert [record["label"] for record in answer(folder, ABOUT)[0]] == ["b", "c"]


@pytest.mark.parametrize("path", places(ABOUT), ids=lambda path: ".".join(map(str, path)))
def test_an_odd_value_is_refused_or_harmless(folder, path):
    for value in ODD:
        try:
            found = answer(folder, replaced(ABOUT, path, value))
        except KitError as error:
            assert error.exit_code in (2, 3, 4) and 1 <= len(str(error).splitlines()) <= 12
        else:
            assert len(found) == 1 and all(set(record) == {"label", "category_id", "score"} for record in found[0])


@pytest.mark.parametrize("key", list(ABOUT))
def test_a_missing_key_is_refused_or_has_a_default(folder, key):
    about = {name: value for name, value in ABOUT.items() if name != key}
    try:
        assert len(answer(folder, about)) == 1
    except KitError as error:
        assert "infer.yml" in str(error)


@pytest.mark.parametrize(
    "key", ["task", "inputs", "outputs", "labels", "preprocess", "engine", "size_multiple", "tolerance"]
)
def test_a_value_of_another_kind_is_named_with_what_is_right(folder, key):
    with pytest.raises(KitError, match=rf"infer.yml: {key} is .*; it takes "):
        answer(folder, ABOUT | {key: 0})


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [b", "5", "a: !!python/object/apply:os.system [ls]", "a: " + "[" * 3000]
)
def test_what_is_no_description_is_refused(folder, text):
    with pytest.raises(KitError, match=r"infer.yml: "):
        answer(folder, text)
    shutil.rmtree(folder)
    with pytest.raises(KitError):
        Exported(folder)
