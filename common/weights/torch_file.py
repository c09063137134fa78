"""Reader of PyTorch state dictionaries (`.pth`, `.pt`), without PyTorch and without executing pickled code.

Since PyTorch 1.6 such a file is a zip archive: `<name>/data.pkl` is a pickle that describes the tensors, and
`<name>/data/<key>` holds the bytes of each storage (https://docs.pytorch.org/docs/stable/notes/serialization.html).
"""

import math
import zipfile
from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem
from common.regular import check_regular
from common.weights.pdparams import parse_pickled

EXPANDED = 2**12  # values of a tensor that repeats those of a smaller storage, at most
SHARED = 8  # times the bytes of the file, which all tensors of it have at most: weights may be tied
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # its bits, as Paddle's own files keep bfloat16
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}


def read_torch_file(path):
    """Reads a file written by `torch.save(model.state_dict(), path)`: name -> array.

    A training checkpoint that contains the state dictionary (`state_dict`, `model`, `model_ema`) is accepted as well.

    Raises:
        UnsafeFile: the file refers to anything but tensors.
        EnvironmentProblem: the file cannot be read, is truncated, or has the format before PyTorch 1.6.
    """
    path = Path(path)
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            tree = _read(path, archive)
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise EnvironmentProblem(
            f"{path}: {error}; a truncated file, or one in the format before PyTorch 1.6: load it in PyTorch and save "
            "it again, best as .safetensors"
        ) from None
    return find_state_dict(path, tree)


def find_state_dict(path, tree):
    """Finds the state dictionary, name -> array, in the content of a file."""
    for key in ("state_dict", "model_ema", "model"):
        if isinstance(tree, dict) and isinstance(tree.get(key), dict):
            tree = tree[key]
    arrays = {n: v for n, v in tree.items() if isinstance(v, np.ndarray)} if isinstance(tree, dict) else {}
    if not arrays or not all(isinstance(name, str) for name in arrays):
        raise EnvironmentProblem(f"{path}: contains no state dictionary (a dictionary of tensors by name)")
    return {name.removeprefix("module."): value for name, value in arrays.items()}


def _read(path, archive):
    """Parses the pickle of the archive, with an array for each tensor."""
    members = {entry.filename: entry for entry in archive.infolist()}
    pickles = [name for name in members if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise EnvironmentProblem(f"{path}: a zip archive, but not one written by PyTorch (no data.pkl in it)")
    size = path.stat().st_size
    if sum(entry.file_size for entry in members.values()) > size:  # PyTorch's archives are not compressed
        raise EnvironmentProblem(f"{path}: claims to contain more than its {size:,} bytes")
    folder = pickles[0].removesuffix("data.pkl")
    cache, left = {}, SHARED * size + 2**20

    def rebuilt(*given):
        nonlocal left
        array = rebuild_tensor(*given, most=left)
        left -= array.nbytes
        return array

    def storage(identity):
        kind, dtype, key, _, count = identity
        if kind != "storage" or not isinstance(dtype, str) or not isinstance(key, str):
            raise ValueError(f"a storage {identity!r}")
        if key not in cache:
            entry = members[f"{folder}data/{key}"]
            if entry.file_size < count * np.dtype(dtype).itemsize:
                raise ValueError(f"storage {key} has {entry.file_size} bytes for {count} values")
            cache[key] = np.frombuffer(archive.read(entry), dtype, count)
        return cache[key]

    known = {("torch", name): dtype for name, dtype in STORAGES.items()}
    known |= {
        ("torch._utils", "_rebuild_tensor_v2"): rebuilt,
        ("torch._utils", "_rebuild_parameter"): lambda data, *ignored: data,
        ("collections", "OrderedDict"): StateDict,
    }
    return parse_pickled(path, archive.read(pickles[0]), known, storage)


class StateDict(dict):
    """Stand-in for OrderedDict; the module versions that PyTorch attaches are dropped."""

    def __setstate__(self, state):
        """Ignores the attached state."""


def rebuild_tensor(storage, offset, size, stride, *ignored, most=math.inf):
    """The array of shape `size` in a storage, at `offset` and with strides in elements, of at most so many bytes."""
    if len(size) != len(stride) or any(not isinstance(n, int) or n < 0 for n in (offset, *size, *stride)):
        raise ValueError(f"a tensor of size {size!r} and stride {stride!r}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if all(size) else offset - 1
    if last >= len(storage):
        raise ValueError(f"a tensor that ends at value {last} of a storage of {len(storage)}")
    if math.prod(size) > max(
        len(storage), EXPANDED
    ):  # a stride of 0 repeats values; a few bytes could become gigabytes
        raise ValueError(f"a tensor of {math.prod(size):,} values in a storage of {len(storage):,}")
    if math.prod(size) * storage.itemsize > most:
        raise ValueError("more tensors of one storage than weights that are tied have")
    steps = [step * storage.itemsize for step in stride]
    return np.array(np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False))
