"""Tests of search spaces and overrides."""

import math

import pytest

from common.config.overrides import assignments, to_inline_yaml
from common.config.yaml import read_text
from common.errors import ConfigError
from common.search.space import Choice, KeySpace, Range, decode, dimension_of, is_finite, size


def test_two_numbers_and_a_scale_are_a_range():
    assert dimension_of("a.b", [1e-4, 0.1, "log"], "x") == Range("a.b", 1e-4, 0.1, log=True)
    assert dimension_of("a", [1, 8, "int"], "x") == Range("a", 1, 8, whole=True)
    assert dimension_of("a", [1, 8, "log_int"], "x") == Range("a", 1, 8, log=True, whole=True)
    assert dimension_of("a", [0, 1, "linear"], "x") == Range("a", 0.0, 1.0)


def test_any_other_list_is_a_choice():
    assert dimension_of("a", [16, 32, 64], "x") == Choice("a", (16, 32, 64))
    assert dimension_of("a", [16, 32, 64], "x").ordered
    assert not dimension_of("a", ["relu", "gelu"], "x").ordered
    assert not dimension_of("a", [True, False], "x").ordered


@pytest.mark.parametrize(
    "value",
    [3, [1], [2, 2], [2, 1, "linear"], [0, 1, "log"], [0.5, 2, "int"], []],
    ids=str,
)
def test_what_is_neither_is_refused_with_its_key_and_place(value):
    with pytest.raises(ConfigError, match=r"x.yml:7: search.space: a.b"):
        KeySpace({"a.b": value}, {"a.b": "x.yml:7"})


def test_tokens_stand_for_values():
    space = KeySpace({"lr": [1e-4, 1e-1, "log"], "size": [16, 32], "layers": [1, 4, "int"]})
    values = decode(space.dimensions, {"lr": 0.0012345678, "size": 1, "layers": 3})
    assert values == {"lr": 0.00123457, "size": 32, "layers": 3}
    assert not is_finite(space.dimensions) and size(space.dimensions) == math.inf


def test_the_size_of_a_space_is_the_product_of_its_choices():
    assert size(KeySpace({"a": [1, 2, 3], "b": [1, 4, "int"]}).dimensions) == 3 * 4


@pytest.mark.parametrize(
    "value",
    [
        1,
        1e-05,
        0.5,
        float("inf"),
        True,
        None,
        "relu",
        "true",
        "3",
        "a b",
        "x: y",
        "",
        [1, [2, "x"]],
        {"type": "Net", "w": [1, 2]},
    ],
    ids=str,
)
def test_inline_yaml_loads_as_the_same_value(value):
    assert read_text(to_inline_yaml(value), lambda line: "x") == value


def test_overrides_are_written_as_the_command_line_takes_them():
    given = {"model.backbone": {"type": "MobileNetV2", "scale": 0.5}, "train.epochs": 3}
    assert assignments(given) == ["model.backbone={type: MobileNetV2, scale: 0.5}", "train.epochs=3"]
