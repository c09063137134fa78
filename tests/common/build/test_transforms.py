"""The transforms of an export are built from its infer.yml, nested ones too, and nothing else is."""

import pytest

from common.build.transforms import build_transform
from common.config.namespace import Namespace
from common.errors import ConfigError, EnvironmentProblem

PAIR = {"type": "On", "key": ["image_a", "image_b"], "same_random": False}


def test_nested_transforms_are_built():
    entry = {**PAIR, "transforms": [{"type": "Resize", "size": 8}, {"type": "Normalize", "mean": [0.5], "std": [1.0]}]}
    built = build_transform(entry, Namespace(), "infer.yml")
    assert built.keys == ["image_a", "image_b"] and built.transforms[0].height == 8
    assert len(built.transforms[1].tables) == 1


@pytest.mark.parametrize(
    ("nested", "kind", "words"),
    [
        ({"type": "EpochSampler", "length": 1}, EnvironmentProblem, "infer.yml: 'EpochSampler' is no transform"),
        ({"type": "Resise", "size": 8}, ConfigError, "there is no 'Resise'; did you mean 'Resize'"),
        ({"type": "Resize", "size": 0}, ConfigError, "infer.yml: Resize: a size is one number"),
        ({"type": "Resize"}, ConfigError, "infer.yml: Resize needs size"),
    ],
)
def test_what_is_no_transform_is_refused_wherever_it_is(nested, kind, words):
    for entry in (nested, {**PAIR, "transforms": [nested]}):
        with pytest.raises(kind, match=words):
            build_transform(entry, Namespace(), "infer.yml")
