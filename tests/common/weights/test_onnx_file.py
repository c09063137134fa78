"""Weights of ONNX models; the files are written in protobuf's encoding here, and by the package onnx."""

import struct

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights import onnx_file
from common.weights.onnx_file import read_onnx


def varint(value):
    """A number of 64 bits, 7 of them a byte."""
    value, out = value & (2**64 - 1), b""
    while value > 127:
        value, out = value >> 7, out + bytes([value & 127 | 128])
    return out + bytes([value])


def field(number, value):
    """A field with a number, or with bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, kind, *values):
    return b"".join(field(1, size) for size in dims) + field(2, kind) + field(8, name) + b"".join(values)


def node(operator, inputs, output, *more):
    parts = [field(1, name) for name in inputs] + [field(2, output), field(4, operator), *more]
    return field(1, b"".join(parts))


FILTERS = tensor(b"filters", [2, 1, 1, 1], 1, field(9, struct.pack("<2f", 0.5, -3)))
BIAS = tensor(b"bias", [2], 10, field(5, varint(0x3C00) + varint(0xC000)))  # the bits of float16, packed
SIZES = field(1, varint(1) + varint(2)) + field(2, 7) + field(8, b"sizes") + field(7, -1) + field(7, 4)
CONSTANT = field(5, field(1, b"value") + field(5, tensor(b"", [], 1, field(4, struct.pack("<f", 7)))))
GRAPH = (
    field(5, BIAS)
    + field(5, SIZES)
    + node(b"Constant", [], b"seven", CONSTANT)
    + node(b"Conv", [b"image", b"filters", b"bias"], b"y")
    + field(5, FILTERS)
    + node(b"Mul", [b"y", b"seven"], b"z")
)


def model(graph=GRAPH):
    """The bytes of a model, its graph last."""
    return field(1, 9) + field(2, b"by hand") + field(7, graph)


def read(tmp_path, data):
    (tmp_path / "m.onnx").write_bytes(data)
    return read_onnx(tmp_path / "m.onnx")


def test_weights_come_in_the_order_in_which_nodes_use_them(tmp_path):
    found = read(tmp_path, model())
    assert list(found) == ["filters", "bias", "seven", "sizes"]
    assert found["filters"].shape == (2, 1, 1, 1) and found["filters"].ravel().tolist() == [0.5, -3]
    assert found["bias"].dtype == np.float16 and found["bias"].tolist() == [1, -2]
    assert found["seven"].shape == () and found["seven"] == 7
    assert found["sizes"].tolist() == [[-1, 4]]


def test_what_the_package_onnx_writes_is_read_as_it_reads_it(tmp_path):
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(0)
    arrays = {
        f"w{kind}": (rng.random([3, 2]) * 9).astype(kind) for kind in ("f4", "f8", "f2", "i4", "i8", "u1", "bool")
    }
    types = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    types += [onnx.helper.make_tensor("listed", onnx.TensorProto.INT32, [3], [-1, 0, 5])]
    add = onnx.helper.make_node("Add", ["wf8", "wf4"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [3, 2])
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([add], "g", [], [out], types)), tmp_path / "m.onnx")
    found = read_onnx(tmp_path / "m.onnx")
    assert list(found)[:2] == ["wf8", "wf4"] and found.pop("listed").tolist() == [-1, 0, 5]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.fixture
def read_at_once(monkeypatch):
    """Reads a model from its bytes, without a file."""

    def read_it(data):
        monkeypatch.setattr(onnx_file, "read_bytes", lambda path: data)
        return read_onnx("m.onnx")

    return read_it


def test_a_model_that_is_cut_anywhere_is_refused(read_at_once):
    for end in range(len(model())):
        with pytest.raises(EnvironmentProblem, match=r"m\.onnx"):
            read_at_once(model()[:end])


def test_changed_bytes_are_refused_or_give_arrays_of_the_size_of_the_file(read_at_once):
    rng, whole = np.random.default_rng(0), model()
    for place in range(len(whole)):
        for value in (255, int(rng.integers(256))):
            try:
                found = read_at_once(whole[:place] + bytes([value]) + whole[place + 1 :])
            except EnvironmentProblem:
                continue
            assert sum(array.nbytes for array in found.values()) <= 8 * len(whole)


@pytest.mark.parametrize("data, words", [
    (b"", "empty"),
    (field(1, 9), "0 graphs"),
    (field(7, GRAPH) * 2, "2 graphs"),
    (model(field(5, tensor(b"w", [2**62, 4], 1, field(9, bytes(16))))), "but 16 are left"),
    (model(field(5, tensor(b"w", [-1], 1, field(9, b"")))), r"'w' of shape \[-1\]"),
    (model(field(5, tensor(b"w", [1] * 9, 1, field(9, bytes(4))))), "9 dimensions"),
    (model(field(5, tensor(b"w", [1], 8, field(6, b"text")))), "data type 8"),
    (model(field(5, tensor(b"w", [1], 1, field(9, bytes(5))))), "1 bytes after the values of 'w'"),
    (model(field(5, tensor(b"w", [2], 1))), "but 0 are left"),
    (model(field(5, tensor(b"w", [1], 1, field(13, b"key"), field(14, 1)))), "lies in another file"),
    (model(field(5, FILTERS) * 2), "two weights named 'filters'"),
    (model(field(15, FILTERS)), "sparse"),
    (model(field(5, tensor(b"\xff", [1], 1, field(9, bytes(4))))), "utf-8"),
    (field(7, b"\x80" * 11), "more than 10 bytes"),
    (varint(7 << 3 | 2) + varint(2**63), "a field of 9,223,372,036,854,775,808 bytes"),
    (varint(7 << 3 | 3), "wire type 3"),
    (model(node(b"Relu", [b"x"], b"y")), "no weights"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, data, words):
    with pytest.raises(EnvironmentProblem, match=words):
        read(tmp_path, data)
