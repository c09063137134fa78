"""Weights of TFLite models; the files are written by the package flatbuffers, without TensorFlow."""

import struct

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights import tflite
from common.weights.tflite import read_tflite

flatbuffers = pytest.importorskip("flatbuffers")
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int8": 9}
FILTERS = np.float16([[[[0.5], [2]]]])
QUANTIZED = np.int8([[1, 2], [-3, 4]])
WEIGHTS = {"half": FILTERS, "bias": np.float32([1, -1]), "quantized": QUANTIZED}


def table(builder, **slots):
    """A table; a slot `offsetN` refers to another place, `u4_N` and `i1_N` are numbers."""
    builder.StartObject(8)
    for key, value in slots.items():
        number = int(key[-1])
        if key.startswith("offset"):
            builder.PrependUOffsetTRelativeSlot(number, value, 0)
        elif key.startswith("u4"):
            builder.PrependUint32Slot(number, value, 0)
        else:
            builder.PrependInt8Slot(number, value, 0)
    return builder.EndObject()


def references(builder, places):
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()


def model(weights=WEIGHTS, codes=(6, 3), shared=False, last=1):
    """The bytes of a model: a DEQUANTIZE of the first weight, then an operator that takes the third one, the result and
    the tensor `last`; with `shared` all weights have the bytes of the first one.
    """
    builder, names = flatbuffers.Builder(), [*weights, "dequantized", "image"]
    buffers = [table(builder)]
    for array in list(weights.values())[: 1 if shared else None]:
        data = builder.CreateNumpyVector(np.frombuffer(array.tobytes(), np.uint8))
        buffers.append(table(builder, offset0=data))
    tensors = []
    for number, name in enumerate(names):
        array = weights.get(name, np.float32([0]))
        shape, title = builder.CreateNumpyVector(np.int32(array.shape)), builder.CreateString(name)
        slots = {"offset0": shape, "i1_1": TYPES[str(array.dtype)], "offset3": title}
        if name == "quantized":
            scale, zero = builder.CreateNumpyVector(np.float32([0.5, 2])), builder.CreateNumpyVector(np.int64([1, 0]))
            slots["offset4"] = table(builder, offset2=scale, offset3=zero)
        tensors.append(table(builder, **slots, u4_2=(1 if shared else number + 1) if name in weights else 0))
    operators, made, image = [], len(weights), len(weights) + 1
    for code, inputs, outputs in ((0, [0], [made]), (1, [image, 2, made, -1, last], [])):
        places = [builder.CreateNumpyVector(np.int32(given)) for given in (inputs, outputs)]
        operators.append(table(builder, u4_0=code, offset1=places[0], offset2=places[1]))
    graph = table(builder, offset0=references(builder, tensors), offset3=references(builder, operators))
    codes = [table(builder, i1_0=code) for code in codes]
    lists = [references(builder, places) for places in (codes, [graph], buffers)]
    builder.Finish(
        table(builder, u4_0=3, offset1=lists[0], offset2=lists[1], offset4=lists[2]), file_identifier=b"TFL3"
    )
    return bytes(builder.Output())


def read(tmp_path, data):
    (tmp_path / "m.tflite").write_bytes(data)
    return read_tflite(tmp_path / "m.tflite")


def test_weights_come_in_the_order_in_which_operators_use_them(tmp_path):
    found = read(tmp_path, model())
    assert list(found) == ["quantized", "half", "bias"]
    np.testing.assert_array_equal(found["half"], FILTERS)
    assert found["half"].dtype == np.float16 and found["bias"].tolist() == [1, -1]
    assert found["quantized"].dtype == np.float32  # (value - zero point) * scale, a scale for each row
    assert found["quantized"].tolist() == [[0, 0.5], [-6, 8]]


@pytest.fixture
def read_at_once(monkeypatch):
    """Reads a model from its bytes, without a file."""

    def read_it(data):
        monkeypatch.setattr(tflite, "read_bytes", lambda path: data)
        return read_tflite("m.tflite")

    return read_it


def test_a_model_that_is_cut_anywhere_is_refused(read_at_once):
    whole = model()
    for end in range(len(whole) - 4):  # the last bytes fill the file up
        with pytest.raises(EnvironmentProblem, match=r"m\.tflite"):
            read_at_once(whole[:end])


def test_changed_bytes_are_refused_or_give_arrays_of_the_size_of_the_file(read_at_once):
    rng, whole = np.random.default_rng(0), model()
    for place in range(len(whole)):
        value = int(rng.choice([127, 255, rng.integers(256)]))
        try:
            found = read_at_once(whole[:place] + bytes([value]) + whole[place + 1 :])
        except EnvironmentProblem:
            continue
        assert sum(array.nbytes for array in found.values()) <= 16 * len(whole)


def test_references_to_one_place_do_not_multiply_the_file(tmp_path):
    zeros = {f"w{number}": np.zeros(5000, np.uint8) for number in range(8)}
    assert len(read(tmp_path, model(zeros))) == 8
    with pytest.raises(EnvironmentProblem, match="more than 4 times the bytes"):
        read(tmp_path, model(zeros, shared=True))


@pytest.mark.parametrize("data, words", [
    (b"", "empty"),
    (b"TFL3" * 8, "not b'TFL3'|at"),
    (b"\0\0\0\0TFL2" + bytes(40), "TFL2"),
    (struct.pack("<I", 2**32 - 1) + b"TFL3" + bytes(40), "a number at 4,294,967,295"),
    (struct.pack("<I", 8) + b"TFL3" + struct.pack("<i", -2**31) + bytes(40), "a number at"),
    (struct.pack("<I", 8) + b"TFL3" + struct.pack("<iHH", -4, 4, 4) + bytes(40), "0 graphs"),
    (model(WEIGHTS | {"bias": np.zeros(0, np.float32)}, codes=(6,)), "operator code 1 of 1"),
    (model(last=9), "tensor 9 of 5"),
    (model({"half": np.zeros(0, np.float16)} | dict.fromkeys("ab", np.zeros(0, np.uint8))), "no weights"),
])  # fmt: skip
def test_other_files_are_refused(tmp_path, data, words):
    with pytest.raises(EnvironmentProblem, match=words):
        read(tmp_path, data)
