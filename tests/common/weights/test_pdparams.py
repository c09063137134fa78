"""Official weights files are read; files that could execute code are refused and nothing is executed."""

import collections
import io
import os
import pickle
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights import pdparams
from common.weights.pdparams import UnsafeFile

REPOSITORY = Path(__file__).resolve().parents[3]
RNG = np.random.default_rng(0)
WEIGHTS = {
    "linear.weight": RNG.random((3, 4), np.float32),
    "linear.bias": np.zeros(4, np.float32),
    "count": np.array(7, np.int64),
    "fortran": np.asfortranarray(RNG.random((3, 5))),
    "big_endian": np.arange(3, dtype=">i4"),
    "empty": np.zeros((0, 2), np.float16),
    "mask": np.array([True, False]),
    "bits": np.arange(4, dtype=np.uint16),
}


def save(path, value, protocol=4):
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def assert_equal(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape and found[name].dtype == value.dtype, name
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_arrays_of_every_dtype_and_layout_are_read(tmp_path, protocol):
    path = save(tmp_path / "m.pdparams", {**WEIGHTS, "StructuredToParameterName@@": {"linear.weight": "w_0"}}, protocol)
    assert_equal(pdparams.read_pdparams(path), WEIGHTS)


@pytest.mark.parametrize("protocol", [2, 4])
def test_module_names_of_old_numpy_versions_are_supported(tmp_path, protocol):
    data = pickle.dumps({"a": np.arange(3.0), "b": np.float32(2)}, protocol)
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    if protocol == 4:  # the length of the name and of the frame precede them
        old = old.replace(b"\x8c\x16numpy.core", b"\x8c\x15numpy.core")
        old = old[:3] + struct.pack("<Q", len(old) - 11) + old[11:]
    (tmp_path / "m.pdopt").write_bytes(old)
    tree = pdparams.read_pickled(tmp_path / "m.pdopt")
    assert tree["a"].tolist() == [0, 1, 2] and tree["b"] == np.float32(2)


def test_nested_training_states_keep_their_structure(tmp_path):
    tree = {"LR": {"last_epoch": 3, "last_lr": 0.1}, "names": ["a", ("w_0", np.ones(2))], "on": True, "none": None}
    found = pdparams.read_pickled(save(tmp_path / "o.pdopt", collections.OrderedDict(tree)))
    assert found["LR"] == tree["LR"] and found["on"] is True and found["none"] is None
    assert found["names"][1][1].tolist() == [1, 1]


def test_tensors_stored_as_name_and_array_become_arrays(tmp_path):
    path = save(tmp_path / "m.pdparams", {"a": ("w_0", np.ones(2))})
    assert pdparams.read_pdparams(path)["a"].tolist() == [1, 1]


def test_large_parameters_cut_into_slices_are_joined(tmp_path):
    whole = np.arange(10, dtype=np.float32).reshape(2, 5)
    flat = whole.reshape(-1)
    tree = {"small": np.ones(1), "w@@.0": flat[:4], "w@@.1": flat[4:8], "w@@.2": flat[8:]}
    info = {"w": {"OriginShape": (2, 5), "slices": ["w@@.0", "w@@.1", "w@@.2"]}}
    path = save(tmp_path / "m.pdparams", {**tree, "UnpackBigParamInfor@@": info}, 2)
    assert_equal(pdparams.read_pdparams(path), {"small": np.ones(1), "w": whole})
    info["w"]["slices"].append("w@@.3")
    with pytest.raises(EnvironmentProblem, match="slices of a large parameter"):
        pdparams.read_pdparams(save(path, {**tree, "UnpackBigParamInfor@@": info}, 2))


def test_paddle_and_this_reader_and_writer_agree(tmp_path):
    code = """
import sys, numpy as np, paddle
folder = sys.argv[1]
net = paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))
for protocol in (2, 3, 4):
    paddle.save(net.state_dict(), f"{folder}/net{protocol}.pdparams", protocol=protocol)
paddle.save({"h": paddle.full([2], 1.5).astype("bfloat16")}, f"{folder}/half.pdparams")
np.savez(f"{folder}/net.npz", **{k: v.numpy() for k, v in net.state_dict().items()})
ours = paddle.load(f"{folder}/ours.pdparams")
assert ours["linear.weight"].shape == [3, 4] and ours["count"].item() == 7, ours
"""
    ours = pdparams.encode_pdparams({k: v for k, v in WEIGHTS.items() if k != "big_endian"})
    (tmp_path / "ours.pdparams").write_bytes(ours)
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=120, stderr=subprocess.DEVNULL)
    expected = dict(np.load(tmp_path / "net.npz"))
    for protocol in (2, 3, 4):
        assert_equal(pdparams.read_pdparams(tmp_path / f"net{protocol}.pdparams"), expected)
    assert pdparams.read_pdparams(tmp_path / "half.pdparams")["h"].tolist() == [0x3FC0, 0x3FC0]


class Calls:
    """Pickles to a call of `function` with `arguments`."""

    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def stack_global(module, name, arguments=b"K\x01\x85"):
    """A protocol 4 pickle that calls the global `module.name`."""
    text = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, name))
    return b"\x80\x04" + text + b"\x93" + arguments + b"R."


def gadgets(marker):
    """Name -> bytes of a file that would create `marker` if it were unpickled (or do other harm)."""
    shell = f"touch {marker}"
    nested = {"model": {"weights": [np.ones(3), {"w": Calls(os.system, shell)}]}}
    popen = Calls(subprocess.Popen, ["/bin/sh", "-c", shell])
    evaluated = f"__import__('os').system('{shell}')"
    inst = b"(S'" + shell.encode() + b"'\nios\nsystem\n."
    obj = b"(cos\nsystem\nS'" + shell.encode() + b"'\no."
    build = b"\x80\x02ccollections\nOrderedDict\n)R}U\x08__dict__U\x01xsb."
    return {
        "os.system": pickle.dumps(Calls(os.system, shell)),
        "os.system, protocol 0": pickle.dumps(Calls(os.system, shell), 0),
        "os.system, protocol 2": pickle.dumps(Calls(os.system, shell), 2),
        "subprocess.Popen": pickle.dumps(popen),
        "builtins.eval": pickle.dumps(Calls(eval, evaluated)),
        "builtins.exec": pickle.dumps(Calls(exec, evaluated)),
        "__builtin__.eval of Python 2": b"c__builtin__\neval\n(S'1'\ntR.",
        "builtins.getattr": pickle.dumps(Calls(getattr, os, "system") if False else Calls(getattr, "a", "upper")),
        "builtins.open": pickle.dumps(Calls(open, str(marker), "w")),
        "builtins.__import__": pickle.dumps(Calls(__import__, "antigravity")),
        "nested among weights": pickle.dumps(nested),
        "an ordered dict with a payload": pickle.dumps(collections.OrderedDict(a=Calls(os.system, shell))),
        "dotted name through numpy": stack_global("numpy", "ndarray.tofile"),
        "dotted name to a module": stack_global("collections", "OrderedDict.__init__.__globals__"),
        "dotted name of codecs": stack_global("_codecs", "encode.__class__"),
        "numpy.load": stack_global("numpy", "load"),
        "numpy.f2py": stack_global("numpy.f2py", "crackfortran.getlincoef"),
        "numpy.testing runstring": stack_global("numpy.testing._private.utils", "runstring"),
        "numpy.save": stack_global("numpy", "save"),
        "copyreg._reconstructor": stack_global("copyreg", "_reconstructor"),
        "copyreg.__newobj__": stack_global("copyreg", "__newobj__"),
        "functools.partial": stack_global("functools", "partial"),
        "operator.attrgetter": stack_global("operator", "attrgetter"),
        "importlib.import_module": stack_global("importlib", "import_module"),
        "pickle.loads": stack_global("pickle", "loads"),
        "marshal.loads": stack_global("marshal", "loads"),
        "types.CodeType": stack_global("types", "CodeType"),
        "webbrowser.open": stack_global("webbrowser", "open"),
        "a module of Paddle": stack_global("paddle.base.core", "eager.Tensor"),
        "builtins.bytearray": stack_global("builtins", "bytearray"),
        "INST opcode": inst,
        "OBJ opcode": obj,
        "NEWOBJ opcode": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
        "EXT opcode": b"\x80\x02\x82\x01.",
        "persistent id": b"Psomewhere\n.",
        "binary persistent id": b"\x80\x02K\x01Q.",
        "out of band buffer": b"\x80\x05\x97.",
        "attributes of a dict": build,
    }


def names_of_gadgets():
    return list(gadgets(Path("x")))


@pytest.mark.parametrize("name", names_of_gadgets())
def test_nothing_in_a_file_is_executed(tmp_path, name):
    marker = tmp_path / "marker"
    path = tmp_path / "evil.pdparams"
    path.write_bytes(gadgets(marker)[name])
    with pytest.raises(EnvironmentProblem) as caught:
        pdparams.read_pdparams(path)
    time.sleep(0.02 if "Popen" in name else 0)
    assert not marker.exists()
    assert str(path) in str(caught.value) and len(str(caught.value).splitlines()) <= 12
    if name != "attributes of a dict":  # refers to nothing that is refused
        assert isinstance(caught.value, UnsafeFile) and "error[S201]" in str(caught.value)


def test_the_gadgets_are_real(tmp_path):
    marker = tmp_path / "marker"
    pickle.loads(gadgets(marker)["os.system"])
    assert marker.exists()


def array_pickle(shape, dtype, data, code="f4"):
    """A pickle of one array with these fields, consistent or not."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 2)

    class Lie:
        def __reduce__(self):
            return np.ones(1).__reduce__()[0], (np.ndarray, (0,), b"b"), (1, shape, dtype, False, data)

    pickler.dump({"w": Lie()})
    return buffer.getvalue()


MULTIPLIED = (
    b"\x80\x02c_codecs\nencode\nq\x00X\x00\x01\x00\x00" + b"a" * 256 + b"q\x01X\x06\x00\x00\x00latin1\x86q\x02"
    b"h\x00h\x02R0" * 2000 + b"N."
)
BOMBS = {
    "more shape than bytes": array_pickle((10**12,), np.dtype("f4"), b"1234"),
    "a negative size": array_pickle((-1,), np.dtype("f4"), b"1234"),
    "sizes that overflow": array_pickle((2**40, 2**40), np.dtype("f4"), b""),
    "a size that is no number": array_pickle(("a",), np.dtype("f4"), b"1234"),
    "objects": pickle.dumps({"w": np.array([{}, None], object)}),
    "text": pickle.dumps({"w": np.array(["a"])}),
    "records": pickle.dumps({"w": np.zeros(1, [("a", "f4")])}),
    "an array without content": pickle.dumps({"w": Calls(np.ones(1).__reduce__()[0], np.ndarray, (0,), b"b")}),
    "a memo index of gigabytes": b"\x80\x02K\x01r\xff\xff\xff\x7f.",
    "a length of exabytes": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x00abc.",
    "lists in lists": b"\x80\x02" + b"]" * 100 + b"a" * 99 + b".",
    "doubling": b"\x80\x02]q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(60)) + b".",
    "bytes multiplied": MULTIPLIED,
    "an encoding that decompresses": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x04\x00\x00\x00zlib\x86R.",
    "HTML": b"<!DOCTYPE html><html>404</html>",
    "a zip": b"PK\x03\x04" + b"\0" * 60,
    "text file": "权重".encode(),
    "nothing": b"",
    "not a dictionary": pickle.dumps([1, 2]),
    "a number among weights": pickle.dumps({"w": np.ones(2), "epoch": 3}),
    "a name that is a number": pickle.dumps({3: np.ones(2)}),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_files_that_lie_about_their_content_are_refused_quickly(tmp_path, name):
    path = tmp_path / "bad.pdparams"
    path.write_bytes(BOMBS[name])
    start = time.process_time()
    with pytest.raises(EnvironmentProblem, match=r"bad\.pdparams") as caught:
        pdparams.read_pdparams(path)
    assert time.process_time() - start < 5
    assert len(str(caught.value)) < 600


def test_truncated_and_flipped_files_never_end_in_a_traceback(tmp_path):
    good = pickle.dumps({name: WEIGHTS[name] for name in ("linear.weight", "count")}, 2)
    path = tmp_path / "m.pdparams"
    for cut in range(len(good)):
        path.write_bytes(good[:cut])
        with pytest.raises(EnvironmentProblem, match=r"m\.pdparams"):
            pdparams.read_pdparams(path)
    for _ in range(500):
        bad = bytearray(good)
        bad[RNG.integers(len(bad))] ^= 1 << int(RNG.integers(8))
        path.write_bytes(bad)
        try:
            pdparams.read_pdparams(path)
        except EnvironmentProblem:
            pass


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EnvironmentProblem, match=r"none\.pdparams: No such file"):
        pdparams.read_pdparams(tmp_path / "none.pdparams")
