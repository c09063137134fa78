"""The one place that reads pickles: official `.pdparams` and `.pdopt` files, arrays and plain containers only.

`paddle.load` runs whatever code a file holds. Here the opcodes of the file are looked through first, every global it
names must be one of a short list, and none of the real ones is ever called: stand-ins below rebuild arrays with checked
sizes. Understood are the formats that Paddle 2.x and 3.x write (pickle protocols 2 to 4, large parameters in slices).
"""

import io
import pickle  # nosec B403  the restricted reader itself
import pickletools  # nosec B403
from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem

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
    """A file asks for something that a file of weights has no need of; nothing of it was run."""


def read_pdparams(path):
    """The arrays of a `.pdparams` file: name -> array (bfloat16 as uint16, as Paddle writes it).

    Raises:
        UnsafeFile: the file names a global that is not on the list (`S201`).
        EnvironmentProblem: the file cannot be read, is truncated or is something else.
    """
    tree = read_pickled(path)
    if not isinstance(tree, dict):
        raise EnvironmentProblem(f"{path}: holds a {type(tree).__name__}, not a dictionary of parameters")
    tree = _join_slices(path, tree)
    tree.pop(_NAMES, None)
    arrays = {name: _bare(value) for name, value in tree.items()}
    odd = [f"{name!r} ({type(value).__name__})" for name, value in arrays.items() if not isinstance(value, np.ndarray)]
    if odd or not all(isinstance(name, str) for name in arrays):
        raise EnvironmentProblem(f"{path}: not a file of parameters alone: {', '.join(odd[:5])} are not arrays")
    return arrays


def read_pickled(path):
    """The dict, list, tuple, str, number and array values of a pickle, and nothing else.

    Raises:
        UnsafeFile, EnvironmentProblem: as :func:`read_pdparams`.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    return parse_pickled(path, data)


def parse_pickled(path, data, known=None, storage=None):
    """The plain values and arrays of a pickle given as bytes.

    Args:
        path (str | Path): for messages.
        data (bytes): the pickle.
        known (dict): (module, name) -> stand-in, beside those that Paddle's files need.
        storage (Callable): from a persistent id to a plain value; without it such ids are refused.

    Raises:
        UnsafeFile, EnvironmentProblem: as :func:`read_pdparams`.
    """
    try:
        _look_through(path, data, storage is not None)
        tree = _Reader(path, data, known or {}, storage).load()
        return _finish(tree, 0, [MAX_VALUES])
    except UnsafeFile:
        raise
    except (
        pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
        MemoryError, RecursionError, UnicodeError, AssertionError,
    ) as error:  # fmt: skip
        start = " (it starts with '<', an HTML page?)" if data[:64].lstrip()[:1] == b"<" else ""
        reason = "the file is empty" if not data else f"truncated or not a file of weights: {error}{start}"
        raise EnvironmentProblem(f"{path}: {reason}") from None


def encode_pdparams(arrays):
    """The bytes of a `.pdparams` file that `paddle.load` reads; name -> array."""
    plain = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
    return pickle.dumps(plain, protocol=4)


class _DType:
    """Stands in for numpy.dtype: plain numbers only."""

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
    """Stands in for numpy.ndarray; the bytes must be exactly those of the shape."""

    def __init__(self, *ignored):
        self.value = None

    def __setstate__(self, state):
        _, shape, dtype, fortran, data = state
        self.value = _from_bytes(data, dtype, shape, "F" if fortran else "C")


class _Reader(pickle.Unpickler):
    """An unpickler that finds stand-ins under a few exact names, and refuses every other name."""

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
            ("__builtin__", "bytes"): lambda: b"",  # how protocol 2 writes no bytes
        }
        for (module, name), stand_in in numpy_parts.items():
            self.known["numpy.core." + module, name] = self.known["numpy._core." + module, name] = stand_in
        self.known |= known

    def find_class(self, module, name):
        if (module, name) not in self.known:
            raise _refuse(self.path, f"it asks for {module}.{name}")
        return self.known[module, name]

    def persistent_load(self, pid):
        if self.storage is None:
            raise _refuse(self.path, "it refers to objects outside the file")
        return self.storage(pid)

    def encode(self, text, encoding="latin1"):
        """Protocol 2 keeps bytes as latin-1 text; the text of one memo entry must not be multiplied at will."""
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(f"encoding {encoding!r}")
        self.budget -= len(text)
        if self.budget < 0:
            raise ValueError("the arrays are larger than the file")
        return text.encode("latin1")


def _from_bytes(data, dtype, shape, order):
    """The array of `shape` over `data`, which must have just the right length."""
    if isinstance(data, str):
        data = data.encode("latin1")
    if not isinstance(dtype, _DType) or not isinstance(data, bytes | bytearray):
        raise ValueError("an array of objects")
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"shape {shape!r}")
    return np.frombuffer(data, dtype.real()).reshape(shape, order=order)


def _look_through(path, data, has_storages):
    """Refuses opcodes that files of weights do not use, and memo places that would take all the memory."""
    allowed = set(_OPCODES.split()) | ({"BINPERSID"} if has_storages else set())
    for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        if opcode.name not in allowed:
            raise _refuse(path, f"it uses the pickle opcode {opcode.name} (byte {position})")
        if "PUT" in opcode.name and int(argument) > count:
            raise ValueError(f"memo place {argument} at byte {position}")


def _refuse(path, reason):
    return UnsafeFile(
        f"error[S201] {path}: refused, {reason}\n"
        "  a file of weights holds arrays only; this one could run code when it is loaded by other programs\n"
        "  fix: get the weights as .safetensors, or from whoever you trust"
    )


def _finish(value, depth, budget):
    """Arrays for stand-ins, all the way down; refuses what is nested or repeated without end."""
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise ValueError("nested too deeply" if depth > MAX_DEPTH else "too many values")
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array without content")
        return value.value
    if isinstance(value, dict):
        return {_finish(k, depth + 1, budget): _finish(v, depth + 1, budget) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_finish(item, depth + 1, budget) for item in value)
    if value is None or isinstance(value, str | bytes | bool | int | float | np.ndarray | np.generic):
        return value
    raise ValueError(f"a value of type {type(value).__name__}")


def _join_slices(path, tree):
    """Large parameters of protocols 2 and 3 were cut into flat slices `name@@.0`, `name@@.1`, ..."""
    tree = dict(tree)
    try:
        for name, about in tree.pop(_BIG, {}).items():
            parts = [tree.pop(part) for part in about["slices"]]
            tree[name] = np.concatenate(parts).reshape(about["OriginShape"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EnvironmentProblem(f"{path}: the slices of a large parameter do not fit together: {error}") from None
    return tree


def _bare(value):
    """Paddle 2.1 and later write a nested tensor as (name, array)."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], np.ndarray):
        return value[1]
    return value
