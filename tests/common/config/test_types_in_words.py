"""Tests of types as words, and that no message has them in Python's notation."""

import pytest

from common.config import load_config
from common.config.kits import shipped_kits
from common.config.namespace import Namespace
from common.config.types import type_in_words
from common.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("int", "an integer"),
        ("str | None", "a text or null"),
        ("list[str]", "a list of texts"),
        ("list[list[int]]", "a list of lists of integers"),
        ("tuple[float, float]", "a list of 2 numbers"),
        ("tuple[str, ...]", "a list of texts"),
        ("dict[str, float]", "a mapping from names to numbers"),
        ("Literal['sum', 'mean'] | None", "one of sum, mean or null"),
        ("Optional[int]", "an integer or null"),
        ("list of str", "a list of texts"),
        ("float, optional", "a number"),
        ("Layer", "Layer"),
        ("", ""),
    ],
)
def test_a_type_in_words(text, words):
    assert type_in_words(text) == words


def test_no_component_has_a_type_that_is_shown_in_the_notation_of_python():
    found = {}
    for kit in shipped_kits():
        space = Namespace(kit)
        for definition in space.components():
            for parameter in space.signature(definition).parameters:
                found[parameter.type] = type_in_words(parameter.type)
    assert len(found) > 30
    assert [(text, words) for text, words in found.items() if set("[]|") & set(words)] == []


def test_settings_are_refused_in_words():
    with pytest.raises(ConfigError, match=r"train.freeze is 'a', a string; it takes a list of texts; write a list"):
        load_config("configs/tiny/yolov3.yml", ["train.freeze=a"]).check()
