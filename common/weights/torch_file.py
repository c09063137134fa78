"""Reader of PyTorch state dictionaries (`.pth`, `.pt`), without PyTorch and without executing pickled code.

Since PyTorch 1.6 such a file is a zip archive: `<name>/data.pkl` is a pickle that describes the tensors, and
`<name>/data/<key>` holds the bytes of each storage (https://docs.pytorch.org/docs/stable/notes/serialization.html).
Before, it was five pickles one after another (a magic number, the protocol, sizes of the machine that wrote it, the
object, the list of storage keys), then for each key a little-endian int64, the number of values, and the values.
"""

import io
import math
import pickletools  # nosec B403  reads opcodes, executes nothing
import struct
import zipfile
from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem
from common.regular import check_regular
from common.weights.pdparams import parse_pickled

EXPANDED = 2**12  # values of a tensor that repeats those of a smaller storage, at most
SHARED = 8  # times the bytes of the file, which all tensors of it have at most: weights may be tied
MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the format before PyTorch 1.6
PROTOCOL = 1001
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
        EnvironmentProblem: the file cannot be read, is truncated or of another format.
    """
    path = Path(path)
    try:
        check_regular(path)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                tree = _read(path, archive)
        else:
            tree = _read_before_1_6(path, path.read_bytes())
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        raise EnvironmentProblem(f"{path}: truncated, or not written by PyTorch: {error}") from None
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

    def values_of(key, dtype, count):
        entry = members[f"{folder}data/{key}"]
        if entry.file_size < count * np.dtype(dtype).itemsize:
            raise ValueError(f"storage {key} has {entry.file_size} bytes for {count} values")
        return np.frombuffer(archive.read(entry), dtype, count)

    return _parse(path, archive.read(pickles[0]), size, values_of)


def _read_before_1_6(path, data):
    """Parses a file of the format before PyTorch 1.6, with an array for each tensor.

    Raises:
        ValueError: the file is truncated or of another format.
    """
    magic, protocol, _, tree, keys, end = _split_pickles(data)
    if parse_pickled(path, magic) != MAGIC or parse_pickled(path, protocol) != PROTOCOL:
        raise ValueError("neither a zip archive nor a file of PyTorch before 1.6")
    claimed, places = {}, {}

    def claim(key, dtype, count):
        claimed[key] = (np.dtype(dtype), count)
        return np.zeros(0, dtype)

    _parse(path, tree, len(data), claim, rebuild=lambda *given: None)  # where a storage begins depends on the dtypes
    for key in parse_pickled(path, keys):
        if key not in claimed or key in places:
            raise ValueError(f"a storage {key!r} that no tensor has")
        dtype, count = claimed[key]
        if len(data) - end < 8:
            raise ValueError(f"{len(data) - end} bytes are left for storage {key}")
        (values,) = struct.unpack_from("<q", data, end)
        if values != count or not 0 <= values * dtype.itemsize <= len(data) - end - 8:
            raise ValueError(f"storage {key} has {values} values, {count} expected, {len(data) - end - 8} bytes left")
        places[key] = end + 8
        end += 8 + values * dtype.itemsize
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the last storage")
    return _parse(path, tree, len(data), lambda key, dtype, count: np.frombuffer(data, dtype, count, places[key]))


def _split_pickles(data):
    """The five pickles at the start of a file before PyTorch 1.6, and the position after them."""
    stream, found = io.BytesIO(data), []
    for number in range(5):
        start = stream.tell()
        for _ in pickletools.genops(stream):
            if number == 0 and stream.tell() > 64:
                raise ValueError("neither a zip archive nor a file of PyTorch before 1.6")
        found.append(data[start : stream.tell()])
    return *found, stream.tell()


def _parse(path, data, size, values_of, rebuild=None):
    """Parses the pickle that describes the tensors.

    Args:
        path (Path): for messages.
        data (bytes): the pickle.
        size (int): bytes of the file, which bound what the tensors take.
        values_of (Callable): (key, dtype, count) -> the values of a storage.
        rebuild (Callable): what becomes of a tensor; by default its array.
    """
    cache, left = {}, SHARED * size + 2**20

    def rebuilt(*given):
        nonlocal left
        array = rebuild_tensor(*given, most=left)
        left -= array.nbytes
        return array

    def storage(identity):
        kind, dtype, key, _, count, *view = identity
        if kind != "storage" or not isinstance(dtype, str) or not isinstance(key, str) or any(view):
            raise ValueError(f"a storage {identity!r}")
        if type(count) is not int or count < 0:
            raise ValueError(f"a storage of {count!r} values")
        if key not in cache:
            cache[key] = values_of(key, dtype, count)
        return cache[key]

    known = {("torch", name): dtype for name, dtype in STORAGES.items()}
    known |= {
        ("torch._utils", "_rebuild_tensor_v2"): rebuild or rebuilt,
        ("torch._utils", "_rebuild_parameter"): lambda data, *ignored: data,
        ("collections", "OrderedDict"): StateDict,
    }
    return parse_pickled(path, data, known, storage)


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
