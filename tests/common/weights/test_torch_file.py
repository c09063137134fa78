"""PyTorch state dictionaries are read without PyTorch; the files are written here in its format."""

import collections
import io
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights.pdparams import UnsafeFile
from common.weights.torch_file import STORAGES, read_torch_file

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

    def save(tree, cut=None):
        blobs, buffer = {}, io.BytesIO()

        class Writer(pickle.Pickler):
            def persistent_id(self, value):
                if isinstance(value, tuple) and value and value[0] == "storage":
                    return value
                return None

            def reducer_override(self, value):
                if not isinstance(value, Tensor):
                    return NotImplemented
                key = str(len(blobs))
                blobs[key] = value.values.tobytes()
                storage = ("storage", getattr(torch, value.kind), key, "cpu", value.count)
                given = (storage, value.offset, value.size, value.stride, False, collections.OrderedDict())
                return inner._rebuild_tensor_v2, given

        Writer(buffer, protocol=2).dump(tree)
        path = tmp_path / "model.pth"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("model/data.pkl", buffer.getvalue())
            for key, data in blobs.items():
                archive.writestr(f"model/data/{key}", data)
        if cut:
            path.write_bytes(path.read_bytes()[:cut])
        return path

    return save


def test_tensors_keep_their_values_dtypes_and_shapes(write):
    wanted = {
        "conv.weight": np.arange(24, dtype="f4").reshape(2, 3, 4),
        "steps": np.array(7, "i8"),
        "half": np.array([1.5, -2], "f2"),
        "mask": np.array([True, False]),
        "none": np.zeros((0, 3), "f4"),
    }
    found = read_torch_file(write(collections.OrderedDict((n, Tensor(v)) for n, v in wanted.items())))
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


def test_code_is_refused_and_not_executed(write):
    with pytest.raises(UnsafeFile, match="system"):
        read_torch_file(write({"w": Tensor(np.ones(2, "f4")), "x": Runs()}))


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
def test_a_tensor_beyond_its_storage_is_refused(write, given):
    with pytest.raises(EnvironmentProblem, match=r"model\.pth"):
        read_torch_file(write({"w": Tensor(np.ones(4, "f4"), **given)}))


def test_a_truncated_file_and_one_of_another_kind_are_refused(write, tmp_path):
    with pytest.raises(EnvironmentProblem, match=r"before PyTorch 1\.6"):
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
