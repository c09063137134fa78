"""Tests of tracing: the program is the framework's own, and a method is rewritten once."""

import re

import paddle
import pytest
from paddle.jit.dy2static import convert_call_func, program_translator

from common.export import tracing
from common.export.write import write_program


class Halved(paddle.nn.Layer):
    """Halves the values, as often as it takes for the largest to be below a limit: a loop that depends on them."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def forward(self, x):
        while x.max() > self.limit:
            x = x / 2
        return x


class Chain(paddle.nn.Layer):
    inputs = {"x": ([None, 3], "float32")}

    def __init__(self):
        super().__init__()
        self.steps = paddle.nn.Sequential(Halved(8.0), Halved(2.0), Halved(5.0))
        self.last = paddle.nn.Linear(3, 1)

    def forward(self, x):
        return self.last(self.steps(x))


SHAPES = {"x": [None, 3]}


def written(model, prefix):
    """The text of the program of a model, without the numbers that the framework gives the layers of each tracing."""
    write_program(model, prefix, SHAPES)
    text = prefix.with_name(f"{prefix.name}.json").read_text()
    return re.sub(r'"D":"/[^"]*"', lambda names: re.sub(r"_\d+/", "/", names[0]), text)


def test_the_program_is_the_one_that_the_framework_traces_by_itself(tmp_path, monkeypatch):
    model = Chain()
    fast = written(model, tmp_path / "fast")
    monkeypatch.delattr(convert_call_func, "get_module_functions")  # of another version: its own ways are kept
    assert written(model, tmp_path / "plain") == fast and "while" in fast


def test_a_method_is_rewritten_once_for_all_layers_that_have_it(tmp_path, monkeypatch):
    rewritten = []
    plain = program_translator.FunctionCache._convert

    def counted(self, func):
        rewritten.append(func)
        return plain(self, func)

    monkeypatch.setattr(program_translator.FunctionCache, "_convert", counted)
    monkeypatch.setattr(tracing, "_kept", {})
    written(Chain(), tmp_path / "first")
    assert [func.__qualname__ for func in rewritten].count("Halved.forward") == 1
    count = len(rewritten)
    written(Chain(), tmp_path / "second")
    assert len(rewritten) == count


def test_the_framework_is_left_as_it_was(tmp_path):
    before = (convert_call_func.is_unsupported, program_translator._FUNCTION_CACHE)
    with pytest.raises(RuntimeError), tracing.fast_tracing():
        assert program_translator._FUNCTION_CACHE is not before[1]
        raise RuntimeError
    assert (convert_call_func.is_unsupported, program_translator._FUNCTION_CACHE) == before
