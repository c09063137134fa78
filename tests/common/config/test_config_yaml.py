"""YAML is read as version 1.2 means it, with places, and nothing in it runs or multiplies."""

import math
import time

import pytest

from common.config.tree import to_plain
from common.config.yaml import dump_yaml, read_file, read_text
from common.errors import ConfigError


def read(text):
    return read_text(text, lambda line: f"x.yml:{line}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E5", 1e5), ("-1.5e+3", -1500.0), (".5", 0.5), ("1.", 1.0), ("+3", 3), ("-0", 0),
        ("010", 10), ("0o17", 15), ("0x1F", 31), ("0b11", "0b11"), ("1_000", "1_000"),
        ("no", "no"), ("No", "No"), ("off", "off"), ("on", "on"), ("yes", "yes"), ("y", "y"),
        ("12:30:45", "12:30:45"), ("2001-12-14", "2001-12-14"), ("1.2.3", "1.2.3"), ("=", "="), ("1e", "1e"),
        ("true", True), ("True", True), ("FALSE", False), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("Null", None), ("none", "none"), ("None", "None"),
        (".inf", math.inf), ("-.Inf", -math.inf), ("inf", "inf"),
        ('"1e-3"', "1e-3"), ("'010'", "010"), ("'null'", "null"), ('""', ""), ("!!str 12", "12"),
        ("gpu:0", "gpu:0"), ("../data/ü x", "../data/ü x"), ("|\n  a\n  b\n", "a\nb\n"), ("9" * 30, int("9" * 30)),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text, value):
    found = read(f"a: {text}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number():
    assert math.isnan(read("a: .nan")["a"])


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yml:3", "'a' is written twice; the first is at x.yml:1"),
        ("a: {b: 1, b: 2}\n", "x.yml:1", "'b' is written twice"),
        ("a:\n\tb: 1\n", "x.yml:2", "tab"),
        ("a:\n  b: 1\n\tc: 2\n", "x.yml:3", "tab"),
        ("a: [1, 2\nb: 3\n", "x.yml:2", "invalid YAML"),
        ("a: 'x\n", "x.yml:", "invalid YAML"),
        ("a: {b: ${c}}\n", "x.yml:1", "put ${c} in quotes"),
        ("a: b: c\n", "x.yml:1", "invalid YAML"),
        ("a: 1\n---\nb: 2\n", "x.yml:2", "one document"),
        ("a: *nothing\n", "x.yml:1", "undefined alias"),
        ("a: &x [*x]\n", "x.yml:1", "contains itself"),
        ("a: &x {b: {c: *x}}\n", "x.yml:1", "contains itself"),
        ("a: !!python/object/apply:os.system ['echo hi']\n", "x.yml:1", "!!python/object/apply:os.system"),
        ("a: !!python/name:os.system\n", "x.yml:1", "not allowed"),
        ("a: !!python/object:common.errors.KitError {}\n", "x.yml:1", "not allowed"),
        ("a: !thing 1\n", "x.yml:1", "!thing"),
        ("a: !!binary aGk=\n", "x.yml:1", "!!binary"),
        ("a: !!set {b}\n", "x.yml:1", "!!set"),
        ("? [1, 2]\n: 3\n", "x.yml:1", "a key must be a string"),
        ("null: 3\n", "x.yml:1", "a key must be a string"),
        ("true: 3\n", "x.yml:1", "a key must be a string"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "x.yml:3", "'<<' is not supported"),
        ("a: \x00\n", "x.yml:1", "invalid YAML"),
        ("a: " + "[" * 60 + "]" * 60, "x.yml:1", "nested"),
        ("a: " + "[" * 50_000, "x.yml:1", ""),
    ],
)  # fmt: skip
def test_errors_name_their_line(text, place, words):
    with pytest.raises(ConfigError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith(place)
    assert words in message
    assert len(message.splitlines()) == 1


def test_exponential_expansion_of_aliases_is_rejected():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    start = time.process_time()
    with pytest.raises(ConfigError, match="expand to more than"):
        read("\n".join(lines))
    assert time.process_time() - start < 2


def test_a_long_chain_of_aliases_is_refused():
    lines = ["a0: &a0 [x]", *[f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000)]]
    with pytest.raises(ConfigError, match="nested more than"):
        read("\n".join(lines))


def test_aliases_are_copies_that_can_be_changed_one_by_one():
    tree = read("a: &x {b: 1}\nc: *x\n")
    tree["a"]["b"] = 2
    assert to_plain(tree) == {"a": {"b": 2}, "c": {"b": 1}}


def test_every_key_and_item_knows_its_line():
    tree = read("a: 1\nb:\n  c: 2\n  d:\n    - 3\n    - {e: 4}\n")
    assert tree.places == {"a": "x.yml:1", "b": "x.yml:2"}
    assert tree["b"].places == {"c": "x.yml:3", "d": "x.yml:4"}
    assert tree["b"]["d"].places == ["x.yml:5", "x.yml:6"]
    assert tree["b"]["d"][1].places == {"e": "x.yml:6"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"), (b"# only a comment\n", "empty"), (b"just words\n", "key: value"), (b"- 1\n", "key: value"),
        (b"a: 1\nb: \xff\xfe\n", ":2: not UTF-8"), (b"a: " + b"x" * (2 << 20), "at most 1 MiB"),
    ],
)  # fmt: skip
def test_files_that_are_not_configurations_are_rejected(tmp_path, data, words):
    path = tmp_path / "x.yml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        read_file(path)


def test_a_byte_order_mark_and_windows_lines_are_accepted(tmp_path):
    path = tmp_path / "x.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: no\r\n")
    assert to_plain(read_file(path)) == {"a": 1, "b": "no"}


def test_dumped_values_load_as_the_same():
    value = {
        "numbers": [0.001, 1e-3, 1e20, -0.0, 3, 10**20, 1e-05, math.inf],
        "strings": ["1e-3", "010", "no", "on", "12:30:45", "null", "", " x ", "a: b", "#", "0o17",
                    "1.", "true", "~", "é", "a\nb", "=", "<<"],
        "others": [True, False, None, [], {}, [[1, 2], [3]]],
        "nested": {"a": {"b": {"c": [{"d": 1}]}}, "0": "key", 0: "number"},
    }  # fmt: skip
    again = to_plain(read(dump_yaml(value)))
    assert again == value
    assert [type(x) for x in again["numbers"]] == [type(x) for x in value["numbers"]]
    assert dump_yaml(again) == dump_yaml(value)
