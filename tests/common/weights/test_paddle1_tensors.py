"""The tensor files of PaddlePaddle 1.x and of exported models: read as they were written, refused when damaged."""

import json
import struct

import numpy as np
import paddle
import pytest
from paddle import nn

from common.errors import ConfigError, EnvironmentProblem
from common.weights import paddle1_tensors, pretrained
from common.weights.checkpoint import read_weights

ARRAYS = {
    "fc_0.w_0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "counter": np.array([7], np.int64),
    "emb/table": np.linspace(0, 1, 300, dtype=np.float64).reshape(150, 2),
    "mask": np.array([[True], [False]]),
}
NUMBERS = {"float32": 5, "int64": 3, "float64": 6, "bool": 0, "float16": 4, "uint8": 20, "int8": 21}


def size(value):
    """A Protobuf number."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + size(value >> 7)


def encode_tensor(array, levels=(), packed=False):
    """One tensor in the documented byte layout."""
    description = b"\x08" + size(NUMBERS[str(array.dtype)])
    if packed:
        sizes = b"".join(size(n) for n in array.shape)
        description += b"\x12" + size(len(sizes)) + sizes
    else:
        description += b"".join(b"\x10" + size(n) for n in array.shape)
    head = struct.pack("<IQ", 0, len(levels))
    for level in levels:
        head += struct.pack(f"<Q{len(level)}Q", 8 * len(level), *level)
    return head + struct.pack("<Ii", 0, len(description)) + description + array.tobytes()


def assert_same(found, expected):
    assert list(found) == sorted(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        np.testing.assert_array_equal(found[name], value)


@pytest.fixture
def combined(tmp_path):
    (tmp_path / "__params__").write_bytes(b"".join(encode_tensor(ARRAYS[name]) for name in sorted(ARRAYS)))
    return tmp_path / "__params__"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(network, path of its .pdiparams) as PaddlePaddle itself exports it."""
    with paddle.utils.unique_name.guard():
        net = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4), nn.Flatten(), nn.Linear(144, 5))
    net[1]._mean.set_value(paddle.to_tensor([1.0, 2.0, 3.0, 4.0]))
    net.eval()
    path = tmp_path_factory.mktemp("exported") / "model"
    paddle.jit.save(net, str(path), input_spec=[paddle.static.InputSpec([None, 3, 8, 8], "float32", name="x")])
    return net, path.with_suffix(".pdiparams")


def test_a_combined_file_is_read_by_the_names_that_are_given(combined):
    assert_same(paddle1_tensors.read_combined(combined, list(ARRAYS)), ARRAYS)


def test_the_names_must_be_as_many_as_the_tensors(combined):
    with pytest.raises(EnvironmentProblem, match="contains 4 tensors for 1 names"):
        paddle1_tensors.read_combined(combined, ["mask"])
    with pytest.raises(ConfigError, match=r"the parameter names are in the program __params__\.json"):
        paddle1_tensors.read_combined(combined)


def test_separate_files_are_read_by_the_names_of_their_variables(tmp_path):
    (tmp_path / "emb").mkdir()
    (tmp_path / "__model__").write_bytes(b"a program")
    for name, array in ARRAYS.items():
        (tmp_path / name).write_bytes(encode_tensor(array))
    assert_same(paddle1_tensors.read_folder(tmp_path), ARRAYS)
    assert_same(read_weights(tmp_path), ARRAYS)
    assert list(paddle1_tensors.read_folder(tmp_path, ["mask"])) == ["mask"]
    with pytest.raises(EnvironmentProblem, match="nothing: No such file"):
        paddle1_tensors.read_folder(tmp_path, ["nothing"])


@pytest.mark.parametrize("packed", [False, True])
def test_lod_offsets_and_packed_or_repeated_dimensions_are_read(tmp_path, packed):
    (tmp_path / "x").write_bytes(encode_tensor(ARRAYS["emb/table"], levels=[(0, 2, 5), (0, 1)], packed=packed))
    np.testing.assert_array_equal(paddle1_tensors.read_tensor_file(tmp_path / "x"), ARRAYS["emb/table"])


def test_scalars_and_empty_tensors_are_read(tmp_path):
    for array in (np.float32(3.5).reshape(()), np.zeros((0, 4), np.float32)):
        (tmp_path / "x").write_bytes(encode_tensor(array))
        found = paddle1_tensors.read_tensor_file(tmp_path / "x")
        assert found.shape == array.shape and (found == array).all()


def test_a_file_of_two_tensors_is_not_a_file_of_one(combined):
    with pytest.raises(EnvironmentProblem, match="contains 4 tensors, expected one"):
        paddle1_tensors.read_tensor_file(combined)


def test_what_paddlepaddle_exports_is_read_by_the_names_of_its_program(exported):
    net, path = exported
    assert_same(read_weights(path), {value.name: value.numpy() for value in net.state_dict().values()})


def test_exported_weights_can_be_loaded_into_the_model(exported):
    net, path = exported
    with paddle.utils.unique_name.guard():
        other = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4), nn.Flatten(), nn.Linear(144, 5))
    assert pretrained.load_arrays(other, read_weights(path), str(path), strict=True).complete()
    for name, value in other.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), net.state_dict()[name].numpy())


def test_a_program_that_does_not_belong_to_the_file_is_refused(exported, tmp_path):
    _, path = exported
    (tmp_path / "m.pdiparams").write_bytes(path.read_bytes())
    program = json.loads(path.with_suffix(".json").read_text())
    operation = next(op for op in program["program"]["regions"][0]["blocks"][0]["ops"] if op["#"] == "p")
    operation["O"]["TT"]["D"][1] = [9]
    (tmp_path / "m.json").write_text(json.dumps(program))
    with pytest.raises(EnvironmentProblem, match=r"m.pdiparams: linear_0.b_0 has shape \[5\], \[9\] in the program"):
        read_weights(tmp_path / "m.pdiparams")
    for text in (
        "{}",
        "[1",
        "[" * 100_000,
        '{"program": {"regions": [{"blocks": [{"ops": [{"#": "p"}]}]}]}}',
        "\udcff",
    ):
        (tmp_path / "m.json").write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(EnvironmentProblem, match=r"m.json: not a program"):
            read_weights(tmp_path / "m.pdiparams")


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "the file is empty"),
        (b"<html>not found</html>", "tensor 0, at byte 0: version"),
        (struct.pack("<IQ", 0, 2**60), "LoD levels"),
        (struct.pack("<IQQ", 0, 1, 2**62), "bytes of LoD offsets, but 0 bytes are left"),
        (struct.pack("<IQIi", 0, 0, 0, -1), "a description of -1 bytes"),
        (struct.pack("<IQIi", 0, 0, 0, 2**30), "a description of 1073741824 bytes"),
        (struct.pack("<IQIi", 0, 0, 0, 2) + b"\x08\x07", "values of the unknown type 7"),
        (struct.pack("<IQIi", 0, 0, 0, 2) + b"\x10\x01", "a description of type None"),
        (struct.pack("<IQIi", 0, 0, 0, 2) + b"\x08\xff", "a truncated description"),
        (struct.pack("<IQIi", 0, 0, 0, 12) + b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (struct.pack("<IQIi", 0, 0, 0, 2) + b"\x08\x05", "a value of float32, but 0 bytes are left"),
        (
            struct.pack("<IQIi", 0, 0, 0, 8) + b"\x08\x05\x10\xff\xff\xff\xff\x0f" + bytes(8),
            "values of float32, but 8",
        ),
        (struct.pack("<IQIi", 0, 0, 0, 13) + b"\x08\x05\x10" + b"\xff" * 9 + b"\x01", "type 5 and shape"),  # -1
        (encode_tensor(ARRAYS["mask"]) + b"\0", "tensor 1, at byte"),
    ],
)
def test_malformed_headers_are_refused(tmp_path, data, words):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(EnvironmentProblem, match=words):
        paddle1_tensors.read_tensors(tmp_path / "x")


def test_a_file_truncated_anywhere_is_refused(combined):
    data = combined.read_bytes()
    starts = np.cumsum([0] + [len(encode_tensor(ARRAYS[name])) for name in sorted(ARRAYS)]).tolist()
    for length in range(1, len(data), 7):
        combined.write_bytes(data[:length])
        with pytest.raises(EnvironmentProblem, match=r"truncated|for 4 names"):
            paddle1_tensors.read_combined(combined, list(ARRAYS))
    combined.write_bytes(data[: starts[2]])  # between two tensors, where only the names tell
    with pytest.raises(EnvironmentProblem, match="contains 2 tensors for 4 names"):
        paddle1_tensors.read_combined(combined, list(ARRAYS))


def test_a_flipped_byte_of_a_header_never_gives_more_than_the_file_holds(tmp_path):
    data, refused = bytearray(encode_tensor(ARRAYS["fc_0.w_0"])), 0
    for place in range(len(data) - ARRAYS["fc_0.w_0"].nbytes):
        for bit in range(8):
            data[place] ^= 1 << bit
            (tmp_path / "x").write_bytes(data)
            try:
                assert sum(array.nbytes for array in paddle1_tensors.read_tensors(tmp_path / "x")) <= len(data)
            except EnvironmentProblem:
                refused += 1
            data[place] ^= 1 << bit
    assert refused > 200  # of 240: the others name another type of as many bytes


def test_a_folder_of_variables_is_known_with_and_without_its_program(tmp_path):
    (tmp_path / "fc_0.w_0").write_bytes(encode_tensor(ARRAYS["fc_0.w_0"]))
    (tmp_path / "counter").write_bytes(encode_tensor(ARRAYS["counter"]))
    assert paddle1_tensors.is_folder_of_tensors(tmp_path)
    assert_same(read_weights(tmp_path), {name: ARRAYS[name] for name in ("counter", "fc_0.w_0")})
    (tmp_path / "readme").write_text("no variable")
    assert not paddle1_tensors.is_folder_of_tensors(tmp_path)
    with pytest.raises(ConfigError, match="no checkpoint here"):
        read_weights(tmp_path)
    (tmp_path / "__model__").write_bytes(b"")
    assert paddle1_tensors.is_folder_of_tensors(tmp_path)
    assert not paddle1_tensors.is_folder_of_tensors(tmp_path / "none")
