"""Restricted unpickling of official `.pdparams` and `.pdopt` files; the only module that reads pickles.

`paddle.load` executes any code in a file. Here the opcodes of the file are checked first, every global it refers to
must be on an allowlist, and none of the real objects is ever called: the stand-ins below rebuild arrays with checked
sizes. Supported are the formats of Paddle 2.x and 3.x (pickle protocols 2 to 4, large parameters in slices).
"""

import io
import pickle  # nosec B403  the restricted reader itself
import pickletools  # nosec B403

import numpy as np

from common.errors import EnvironmentProblem
from common.weights.byte_reader import read_bytes

MAX_DEPTH = 32
MAX_VALUES = 1_000_000
_BIG = "UnpackBigParamInfor@@"
_NAMES = "StructuredToParameterName@@"
_OPCODES = """
    PROTO FRAME STOP MARK POP POP_MARK DUP PUT BINPUT LONG_BINPUT GET BINGET LONG_BINGET MEMOIZE
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 STRING BINSTRING SHORT_BINSTRING
    BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 EMPTY_LIST APPEND APPENDS LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_DICT DICT SETITEM SETITEMS GLOBAL STACK_GLOBAL REDUCE BUILD
"""


class UnsafeFile(EnvironmentProblem):
    """A file that would execute code when unpickled; nothing of it was executed."""


def read_pdparams(path):
    """Reads a `.pdparams` file: name -> array (bfloat16 as uint16, as Paddle writes it).

    Raises:
        UnsafeFile: the file refers to a global that is not on the allowlist (`S201`).
        EnvironmentProblem: the file cannot be read, is truncated or has another format.
    """
    tree = read_pickled(path)
    if not isinstance(tree, dict):
        raise EnvironmentProblem(f"{path}: contains a {type(tree).__name__}, not a dictionary of parameters")
    tree = _join_slices(path, tree)
    tree.pop(_NAMES, None)
    arrays = {name: _unwrap(value) for name, value in tree.items()}
    odd = [f"{name!r} ({type(value).__name__})" for name, value in arrays.items() if not isinstance(value, np.ndarray)]
    if odd or not all(isinstance(name, str) for name in arrays):
        raise EnvironmentProblem(f"{path}: contains more than parameters: {', '.join(odd[:5])} are not arrays")
    return arrays


def read_pickled(path):
    """Reads a pickle of dict, list, tuple, str, number and array values.

    Raises:
        UnsafeFile, EnvironmentProblem: as :func:`read_pdparams`.
    """
    return parse_pickled(path, read_bytes(path))


def parse_pickled(path, data, known=None, storage=None):
    """Parses a pickle of plain values and arrays from bytes.

    Args:
        path (str | Path): for messages.
        data (bytes): the pickle.
        known (dict): (module, name) -> stand-in, in addition to those that Paddle's files need.
        storage (Callable): maps a persistent id to a plain value; without it such ids are refused.

    Raises:
        UnsafeFile, EnvironmentProblem: as :func:`read_pdparams`.
    """
    try:
        _check_opcodes(path, data, storage is not None)
        tree = _Reader(path, data, known or {}, storage).load()
        return _resolve(tree, 0, [MAX_VALUES])
    except UnsafeFile:
        raise
    except (
        pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
        MemoryError, RecursionError, UnicodeError, AssertionError,
    ) as error:  # fmt: skip
        start = " (it starts with '<', an HTML page?)" if data[:64].lstrip()[:1] == b"<" else ""
        reason = "the file is empty" if not data else f"truncated or not a weights file: {error}{start}"
        raise EnvironmentProblem(f"{path}: {reason}") from None


def encode_pdparams(arrays):
    """Encodes name -> array as a `.pdparams` file (bytes) that `paddle.load` can read."""
    contiguous = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    return pickle.dumps(contiguous, protocol=4)


class _DType:
    """Stand-in for numpy.dtype: numeric types only."""

    def __init__(self, code, align=False, copy=True):
        self.code, self.order = code, "<"
        if not isinstance(code, str) or np.dtype(code).kind not in "biufc":
            raise ValueError(f"dtype {code!r}")

    def __setstate__(self, state):
        if state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise ValueError(f"dtype state {state!r}")
        self.order = state[1]

    def real(self):
        return np.dtype(self.code).newbyteorder(self.order)


class _Array:
    """Stand-in for numpy.ndarray; the number of bytes must match the shape."""

    def __init__(self, *ignored):
        self.value = None

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        self.value = _from_bytes(data, dtype, shape, "F" if fortran else "C")


class _Reader(pickle.Unpickler):
    """An unpickler that resolves an allowlist of names to stand-ins and refuses every other name."""

    def __init__(self, path, data, known, storage):
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.path, self.budget, self.storage = path, 2 * len(data), storage
        numpy_parts = {
            ("multiarray", "_reconstruct"): lambda *ignored: _Array(),
            ("multiarray", "scalar"): lambda dtype, raw: _from_bytes(raw, dtype, (), "C")[()],
            ("numeric", "_frombuffer"): lambda raw, dtype, shape, order: _from_bytes(raw, dtype, shape, order),
        }
        self.known = {
            ("numpy", "ndarray"): "ndarray",
            ("numpy", "dtype"): _DType,
            ("collections", "OrderedDict"): dict,
            ("builtins", "tuple"): tuple,
            ("_codecs", "encode"): self.encode,
            ("__builtin__", "bytes"): lambda: b"",  # protocol 2 writes empty bytes so
        }
        for (module, name), stand_in in numpy_parts.items():
            self.known["numpy.core." + module, name] = self.known["numpy._core." + module, name] = stand_in
        self.known |= known

    def find_class(self, module, name):
        if (module, name) not in self.known:
            raise _unsafe_file(self.path, f"it refers to {module}.{name}")
        return self.known[module, name]

    def persistent_load(self, pid):
        if self.storage is None:
            raise _unsafe_file(self.path, "it refers to objects outside the file")
        return self.storage(pid)

    def encode(self, text, encoding="latin1"):
        """Protocol 2 stores bytes as latin-1 text; the budget limits how often one memo entry can be repeated."""
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"encoding {encoding!r}")
        self.budget -= len(text)
        if self.budget < 0:
            raise ValueError("the arrays are larger than the file")
        return text.encode("latin1")


def _from_bytes(data, dtype, shape, order):
    """The array of `shape` over `data`, whose length must match exactly."""
    if isinstance(data, str):
        data = data.encode("latin1")
    if not isinstance(dtype, _DType) or not isinstance(data, bytes | bytearray):
        raise ValueError("an array of objects")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"shape {shape!r}")
    return np.frombuffer(data, dtype.real()).reshape(shape, order=order)


def _check_opcodes(path, data, has_storages):
    """Refuses opcodes that weights files do not use, and memo indexes that would exhaust the memory."""
    allowed = set(_OPCODES.split()) | ({"BINPERSID"} if has_storages else set())
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        if opcode.name not in allowed:
            raise _unsafe_file(path, f"it uses the pickle opcode {opcode.name} (byte {position})")
        if "PUT" in opcode.name and int(argument) > count:
            raise ValueError(f"memo index {argument} at byte {position}")


def _unsafe_file(path, reason):
    return UnsafeFile(
        f"error[S201] {path}: refused, {reason}\n"
        "  a weights file contains arrays only; this one could execute code when other programs load it\n"
        "  fix: get the weights as .safetensors, or from a source you trust"
    )


def _resolve(value, depth, budget):
    """Replaces stand-ins by their arrays, recursively; refuses values that are nested or repeated too often."""
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise ValueError("nested too deeply" if depth > MAX_DEPTH else "too many values")
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array without content")
        return value.value
    if isinstance(value, dict):
        return {_resolve(k, depth + 1, budget): _resolve(v, depth + 1, budget) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_resolve(item, depth + 1, budget) for item in value)
    if value is None or isinstance(value, str | bytes | bool | int | float | np.ndarray | np.generic):
        return value
    raise ValueError(f"a value of type {type(value).__name__}")


def _join_slices(path, tree):
    """Joins large parameters of protocols 2 and 3, which are stored as flat slices `name@@.0`, `name@@.1`, ..."""
    tree = dict(tree)
    try:
        for name, about in tree.pop(_BIG, {}).items():
            parts = [tree.pop(part) for part in about["slices"]]
            tree[name] = np.concatenate(parts).reshape(about["OriginShape"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EnvironmentProblem(f"{path}: the slices of a large parameter do not fit together: {error}") from None
    return tree


def _unwrap(value):
    """Extracts the array of a (name, array) pair, which Paddle 2.1 and later write for a nested tensor."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], np.ndarray):
        return value[1]
    return value
