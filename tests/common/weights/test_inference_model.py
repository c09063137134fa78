"""Inference models of PaddlePaddle 2: parameters by their first use; damaged files are refused."""

import numpy as np
import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.weights.inference_model import parameter_shapes, parse_program, read_inference_model, wire_fields
from common.weights.read_foreign import read_foreign
from tests.common.weights.test_paddle1_tensors import encode_tensor, size

ARRAYS = {  # in the order of their use
    "conv2d_7.w_0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "conv2d_7.b_0": np.float32([1, 2]),
    "batch_norm_0.w_0": np.float32([3, 4]),
    "batch_norm_0.b_0": np.float32([5, 6]),
    "batch_norm_0.w_1": np.float32([7, 8]),
    "batch_norm_0.w_2": np.float32([9, 10]),
}


def field(number, value):
    """A field of a Protobuf message: a number, or a text or message."""
    if isinstance(value, int):
        return size(number << 3) + size(value)
    value = value.encode() if isinstance(value, str) else value
    return size(number << 3 | 2) + size(len(value)) + value


def variable(name, shape=None, persistable=1, kind=7):
    """A variable of a program."""
    tensor = b"" if shape is None else b"\x08\x05" + b"".join(b"\x10" + size(n) for n in shape)
    described = field(3, field(1, tensor)) if shape is not None else b""
    return field(3, field(1, name) + field(2, field(1, kind) + described) + field(3, persistable))


def operation(kind, **inputs):
    """An operation of a program; `inputs` has the names of its parameters by slot."""
    slots = [field(1, field(1, slot) + b"".join(field(2, name) for name in names)) for slot, names in inputs.items()]
    return field(4, b"".join(slots) + field(3, kind))


def program(arrays=ARRAYS):
    """The bytes of a program that uses the arrays."""
    variables = [variable(name, value.shape) for name, value in sorted(arrays.items())]
    variables += [variable("feed", kind=9), variable("x", (4, 3), persistable=0)]
    norm = {"Bias": ["batch_norm_0.b_0"], "Mean": ["batch_norm_0.w_1"], "Scale": ["batch_norm_0.w_0"]}
    operations = [
        operation("conv2d", Filter=["conv2d_7.w_0"], Input=["x"]),
        operation("elementwise_add", X=["y"], Y=["conv2d_7.b_0"]),
        operation("batch_norm", **norm, Variance=["batch_norm_0.w_2"], X=["z"]),
    ]
    block = field(1, 0) + field(2, 0) + b"".join(variables + operations)
    return field(1, block) + field(4, field(1, 0))


@pytest.fixture
def model(tmp_path):
    """The path of a program, with its parameters beside it."""
    (tmp_path / "inference.pdmodel").write_bytes(program())
    values = b"".join(encode_tensor(ARRAYS[name]) for name in sorted(ARRAYS))
    (tmp_path / "inference.pdiparams").write_bytes(values)
    return tmp_path / "inference.pdmodel"


def test_parameters_come_in_the_order_of_their_use_the_weight_of_a_layer_first(model):
    found = read_foreign(model)
    assert list(found) == list(ARRAYS)
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(found[name], value)


def test_files_that_do_not_belong_together_are_refused(model):
    model.with_suffix(".pdiparams").write_bytes(encode_tensor(ARRAYS["conv2d_7.w_0"]))
    with pytest.raises(EnvironmentProblem, match="contains 1 tensors for 6 names"):
        read_inference_model(model)
    other = ARRAYS | {"conv2d_7.b_0": np.zeros(3, np.float32)}
    values = b"".join(encode_tensor(other[name]) for name in sorted(other))
    model.with_suffix(".pdiparams").write_bytes(values)
    with pytest.raises(EnvironmentProblem, match=r"conv2d_7\.b_0 has shape \[3\], \[2\] in inference\.pdmodel"):
        read_inference_model(model)
    model.with_suffix(".pdiparams").unlink()
    with pytest.raises(EnvironmentProblem, match="No such file"):
        read_inference_model(model)
    with pytest.raises(ConfigError, match="there is no such file"):
        read_foreign(model.with_name("absent.pdmodel"))


def test_a_program_cut_at_any_byte_is_refused_or_has_fewer_parameters(tmp_path):
    whole = program()
    for end in range(len(whole)):
        try:
            found = parse_program(memoryview(whole[:end]))
        except ValueError:
            continue
        assert set(found) <= set(ARRAYS)
    (tmp_path / "x.pdmodel").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EnvironmentProblem, match=r"x\.pdmodel: truncated or not a program"):
        parameter_shapes(tmp_path / "x.pdmodel")


def test_changed_bytes_raise_nothing_but_the_error_of_a_damaged_file():
    whole, rng = program(), np.random.default_rng(0)
    for _ in range(3000):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 5)):
            changed[place] = rng.integers(256)
        try:
            parse_program(memoryview(bytes(changed)))
        except ValueError:
            pass


@pytest.mark.parametrize("data, words", [
    (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "bytes, but 0 are left"),
    (b"\x0b", "wire type 3"),
    (b"\x09\x00", "8 bytes, but 1 are left"),
    (b"\xff" * 11, "more than ten bytes"),
    (b"\x08", "truncated"),
])  # fmt: skip
def test_fields_beyond_the_end_and_unknown_wire_types_are_refused(data, words):
    with pytest.raises(ValueError, match=words):
        list(wire_fields(memoryview(data)))


def test_a_huge_shape_is_refused_before_memory_is_taken(model):
    model.write_bytes(field(1, variable("w", (1 << 50,))))
    with pytest.raises(EnvironmentProblem, match="truncated or not a program"):
        read_inference_model(model)
