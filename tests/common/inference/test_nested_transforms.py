"""The transforms of an export are built from its infer.yml, nested ones too, and nothing else is."""

import pytest
import yaml

from common.errors import ConfigError, EnvironmentProblem
from common.inference.exported import FORMAT, Exported
from common.weights.manifest import write_manifest

PAIR = {"type": "On", "key": ["image_a", "image_b"], "same_random": False}


def exported(folder, *preprocess):
    about = {"format": FORMAT, "name": "pair", "task": "Tensors", "postprocess": {}, "outputs": ["x"]}
    about["inputs"] = [{"name": "x", "shape": [1], "dtype": "float32"}]
    text = yaml.safe_dump(about | {"labels": None, "preprocess": list(preprocess)})
    (folder / "infer.yml").write_text(text)
    (folder / "manifest.json").unlink(missing_ok=True)
    write_manifest(folder)
    return Exported(folder)


def test_nested_transforms_are_built(tmp_path):
    nested = [{"type": "Resize", "size": 8}, {"type": "Normalize", "mean": [0.5], "std": [1.0]}]
    (built,) = exported(tmp_path, {**PAIR, "transforms": nested}).transforms()
    assert built.keys == ["image_a", "image_b"] and built.transforms[0].height == 8
    assert len(built.transforms[1].tables) == 1


@pytest.mark.parametrize(
    ("nested", "kind", "words"),
    [
        ({"type": "EpochSampler", "length": 1}, EnvironmentProblem, "infer.yml: 'EpochSampler' is no transform"),
        ({"type": "Resise", "size": 8}, ConfigError, "there is no 'Resise'; did you mean 'Resize'"),
        ({"type": "Resize", "size": 0}, ConfigError, "infer.yml: Resize: a size must be one number"),
        ({"type": "Resize"}, ConfigError, "infer.yml: Resize needs .size."),
    ],
)
def test_what_is_no_transform_is_refused_wherever_it_is(tmp_path, nested, kind, words):
    for entry in (nested, {**PAIR, "transforms": [nested]}):
        with pytest.raises(kind, match=words):
            exported(tmp_path, entry).transforms()
