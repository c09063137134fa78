"""A card is read as it was written, a slip is named with its line, and changed files are found."""

import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.hub.card import CARD, Card, read_card, verify_module, write_card

FIELDS = {"name": "lac", "version": "2.1.2", "type": "NLP/lexical_analysis", "summary": "Words and tags."}


@pytest.fixture
def module(tmp_path):
    """A module of two files."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "infer.yml").write_text("task: x")
    (tmp_path / "inner" / "weights").write_bytes(b"123")
    write_card(Card(**FIELDS, metrics=[{"name": "f1", "value": 0.9}]), tmp_path)
    return tmp_path


def test_a_card_comes_back_with_the_sums_of_the_files(module):
    card = verify_module(module)
    assert card == read_card(module / CARD) and str(card) == "lac==2.1.2"
    assert sorted(card.files) == ["infer.yml", "inner/weights"] and card.metrics == [{"name": "f1", "value": 0.9}]


@pytest.mark.parametrize("change, words", [
    (lambda m: (m / "infer.yml").write_text("task: y"), "its sha256 is"),
    (lambda m: (m / "infer.yml").unlink(), "missing"),
    (lambda m: (m / "more.py").write_text(""), "is not listed"),
])  # fmt: skip
def test_files_that_are_not_those_of_the_card_are_found(module, change, words):
    change(module)
    with pytest.raises(EnvironmentProblem, match=words):
        verify_module(module)


@pytest.mark.parametrize("text, words", [
    ("name: lac", "1: 'version' is missing"),
    ("naem: lac", "1: 'naem' is not a key of a card; did you mean 'name'"),
    ("name: lac\nversion: 1.0", "2: 'version' is a text, not .*quotes"),
    ("name: Lac Neu", "1: the name 'Lac Neu'"),
    ("name: ../x", "1: the name"),
    ("version: '1.0.0.0.1'", "1: the version"),
    ("authors: [1]", "1: an author is a text"),
    ("metrics: [{value: 1}]", "1: a metric has"),
    ("files: {../a: " + "0" * 64 + "}", "1: .*not a path inside"),
    ("files: {a: 12}", "1: the SHA-256 of 'a'"),
    ("parts: {det: /etc}", "1: .*not a path inside"),
])  # fmt: skip
def test_a_slip_is_named_with_its_line(tmp_path, text, words):
    (tmp_path / CARD).write_text(text)
    with pytest.raises(ConfigError, match=r"module\.yml:" + words):
        read_card(tmp_path)
