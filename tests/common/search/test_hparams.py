"""Tests of the parameter file of the AutoDL Finetuner."""

import pytest

from common.errors import ConfigError
from common.search.hparams import read_hyperparameters
from common.search.space import Choice, Range

GOOD = """param_list:
- name: learning_rate
  init_value: 0.001
  type: float
  lower_than: 0.05
  greater_than: 0.00005
  scale: log
- {name: layers, type: int, greater_than: 1, lower_than: 6, init_value: 2}
- {name: kind, values: [relu, gelu], init_value: gelu}
"""


def read(tmp_path, text):
    path = tmp_path / "hparam.yaml"
    path.write_text(text)
    return read_hyperparameters(path)


def test_hyperparameters_are_ranges_of_both_scales_integers_and_choices(tmp_path):
    found = read(tmp_path, GOOD)
    assert found.dimensions == [
        Range("learning_rate", 5e-5, 0.05, log=True),
        Range("layers", 1, 6, whole=True),
        Choice("kind", ("relu", "gelu")),
    ]
    assert found.start == {"learning_rate": 0.001, "layers": 2, "kind": "gelu"}


def test_a_space_of_a_configuration_is_taken_too(tmp_path):
    found = read(tmp_path, "optimizer.lr: [1e-4, 1e-1, log]\ntrain.batch_size: [16, 32]\n")
    assert found.dimensions == [Range("optimizer.lr", 1e-4, 0.1, log=True), Choice("train.batch_size", (16, 32))]
    assert found.start is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("param_list: []", "param_list is a list"),
        ("param_list: 3", "param_list is a list"),
        ("param_list: [{name: a, values: [1, 2]}]\nmore: 1", "yaml:2: 'more' is not known"),
        ("param_list: [{values: [1, 2]}]", "yaml:1: a hyperparameter has a name"),
        (
            "param_list:\n- {name: a, lower_then: 3}",
            "yaml:2: a: there is no key 'lower_then'; did you mean 'lower_than'",
        ),
        ("param_list: [{name: a, type: real}]", "type is 'real'; allowed: int, float, choice"),
        ("param_list: [{name: a, type: int, greater_than: 1}]", "'lower_than' is missing"),
        ("param_list: [{name: a, type: choice}]", "'values' is missing"),
        ("param_list: [{name: a, greater_than: low, lower_than: 3}]", "greater_than is 'low'; it takes a number"),
        ("param_list: [{name: a, greater_than: 3, lower_than: 1}]", "the first must be less than the second"),
        ("param_list: [{name: a, greater_than: 0, lower_than: 1, scale: log}]", "above 0"),
        ("param_list: [{name: a, greater_than: 1, lower_than: 2, init_value: 3}]", "init_value: a cannot be 3"),
        ("param_list: [{name: a, values: [1, 2]}, {name: a, values: [1, 2]}]", "'a' is there twice"),
        ("param_list: [{name: a, values: [1, 2], init_value: 1}, {name: b, values: [1, 2]}]", "'b' has no init_value"),
    ],
    ids=str,
)
def test_an_invalid_entry_is_refused_with_its_line(text, words, tmp_path):
    with pytest.raises(ConfigError) as refusal:
        read(tmp_path, text)
    assert words.replace("; did you mean 'lower_than'", "") in str(refusal.value), refusal.value
