"""PyTorch state dictionaries are read without PyTorch; the files are written here in its format."""

import collections
import io
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights.pdparams import UnsafeFile
from common.weights.torch_file import MAGIC, PROTOCOL, STORAGES, read_torch_file

KINDS = {np.dtype(code): name for name, code in STORAGES.items() if name != "BFloat16Storage"}


class Tensor:
    """A placeholder for a tensor until it is pickled."""

    def __init__(self, values, kind=None, offset=0, size=None, stride=None, count=None):
        self.values = np.asarray(values)
        self.kind = kind or KINDS[self.values.dtype]
        self.offset, self.size, self.count = offset, size or self.values.shape, count or self.values.size
        self.stride = stride or tuple(s // self.values.itemsize for s in self.values.strides)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """A function that writes an object with tensors in it; returns the path."""
    torch, inner = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in STORAGES:
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        function = types.FunctionType((lambda *a: None).__code__, {}, name)
        function.__module__, function.__qualname__ = "torch._utils", name
        setattr(inner, name, function)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", inner)

    def save(tree, cut=None, legacy=False):
        blobs, counts, buffer = {}, {}, io.BytesIO()

        class Writer(pickle.Pickler):
            def persistent_id(self, value):
                if isinstance(value, tuple) and value and value[0] == "storage":
                    return value
                return None

            def reducer_override(self, value):
                if not isinstance(value, Tensor):
                    return NotImplemented
                key = str(len(blobs))
                blobs[key], counts[key] = value.values.tobytes(), value.count
                view = (None,) if legacy else ()
                storage = ("storage", getattr(torch, value.kind), key, "cpu", value.count, *view)
                given = (storage, value.offset, value.size, value.stride, False, collections.OrderedDict())
                return inner._rebuild_tensor_v2, given

        Writer(buffer, protocol=2).dump(tree)
        path = tmp_path / "model.pth"
        if legacy:
            machine = {"protocol_version": PROTOCOL, "little_endian": True}
            pieces = [*(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, machine)), buffer.getvalue()]
            pieces += [pickle.dumps(list(blobs), 2)]
            pieces += [struct.pack("<q", counts[key]) + data for key, data in blobs.items()]
            path.write_bytes(b"".join(pieces))
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("model/data.pkl", buffer.getvalue())
                for key, data in blobs.items():
                    archive.writestr(f"model/data/{key}", data)
        if cut:
            path.write_bytes(path.read_bytes()[:cut])
        return path

    return save


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_keep_their_values_dtypes_and_shapes(write, legacy):
    wanted = {
        "conv.weight": np.arange(24, dtype="f4").reshape(2, 3, 4),
        "steps": np.array(7, "i8"),
        "half": np.array([1.5, -2], "f2"),
        "mask": np.array([True, False]),
        "none": np.zeros((0, 3), "f4"),
    }
    found = read_torch_file(write(collections.OrderedDict((n, Tensor(v)) for n, v in wanted.items()), legacy=legacy))
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        assert found[name].dtype == value.dtype and found[name].shape == value.shape
        assert (found[name] == value).all()


def test_a_transposed_view_of_a_storage_is_copied(write):
    values = np.arange(6, dtype="f4")
    found = read_torch_file(write({"w": Tensor(values, size=(2, 2), stride=(1, 3), offset=1)}))["w"]
    assert found.tolist() == [[1, 4], [2, 5]]


def test_module_versions_attached_by_pytorch_are_dropped(write):
    state = collections.OrderedDict(w=Tensor(np.ones(2, "f4")))
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    assert read_torch_file(write(state))["w"].tolist() == [1, 1]


@pytest.mark.parametrize("key", ["state_dict", "model"])
def test_a_state_dictionary_inside_a_training_checkpoint_is_found(write, key):
    found = read_torch_file(write({"epoch": 3, key: {"module.w": Tensor(np.ones(2, "f4"))}}))
    assert found["w"].tolist() == [1, 1]


class Runs:
    """Would execute a command when unpickled."""

    def __reduce__(self):
        return os.system, ("touch /tmp/never",)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_is_refused_and_not_executed(write, legacy):
    with pytest.raises(UnsafeFile, match="system"):
        read_torch_file(write({"w": Tensor(np.ones(2, "f4")), "x": Runs()}, legacy=legacy))


@pytest.mark.parametrize(
    "given",
    [
        {"size": (9,)},
        {"stride": (-1,)},
        {"offset": -1},
        {"offset": 3},
        {"count": 99},
        {"stride": (2**62,)},
        {"size": (10**9,), "stride": (0,)},
        {"size": (3, 10**6), "stride": (1, 0)},
        {"size": (5000,), "stride": (0,)},
    ],
    ids=str,
)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_tensor_beyond_its_storage_is_refused(write, given, legacy):
    with pytest.raises(EnvironmentProblem, match=r"model\.pth"):
        read_torch_file(write({"w": Tensor(np.ones(4, "f4"), **given)}, legacy=legacy))


def test_a_file_before_pytorch_1_6_that_is_cut_or_changed_is_refused_or_read(write):
    path = write({"w": Tensor(np.arange(40, dtype="f4")), "b": Tensor(np.ones(3, "f8"))}, legacy=True)
    data, wanted = path.read_bytes(), read_torch_file(path)
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        with pytest.raises(EnvironmentProblem, match=r"model\.pth"):
            read_torch_file(path)
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data), 400):
        changed = bytearray(data)
        changed[place] ^= 1 << int(random.integers(8))
        path.write_bytes(changed)
        try:
            found = read_torch_file(path)
        except EnvironmentProblem as error:
            assert str(path) in str(error)
        else:
            assert all(value.nbytes <= sum(array.nbytes for array in wanted.values()) for value in found.values())


def test_a_truncated_file_and_one_of_another_kind_are_refused(write, tmp_path):
    with pytest.raises(EnvironmentProblem, match=r"truncated"):
        read_torch_file(write({"w": Tensor(np.ones(400, "f4"))}, cut=900))
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("a.txt", "hello")
    with pytest.raises(EnvironmentProblem, match="not one written by PyTorch"):
        read_torch_file(tmp_path / "other.pth")
    with pytest.raises(EnvironmentProblem, match="contains no state dictionary"):
        read_torch_file(write({"epoch": 3}))


def test_a_storage_that_very_many_tensors_share_is_refused_and_tied_weights_are_read(write):
    values = np.zeros(2**18, "f4")
    path = write({"a": Tensor(values), "b": Tensor(values[:3])})
    assert read_torch_file(path)["a"].shape == (2**18,)
    small = Tensor(np.zeros(4, "f4"), size=(64, 64), stride=(0, 0))
    assert read_torch_file(write({"w": small}))["w"].shape == (64, 64)
    with pytest.raises(EnvironmentProblem, match=r"more tensors of one storage"):
        read_torch_file(write({f"w{i}": Tensor(np.zeros(1, "f4"), size=(64, 64), stride=(0, 0)) for i in range(900)}))
