"""Reads the tensor files of PaddlePaddle 1.x and of exported models (`.pdiparams`) without PaddlePaddle.

The framework's own reader trusts the sizes in a file; here every one is compared with what is left of it.

One tensor, all numbers little-endian (`SerializeToStream` of the framework, the same from 1.0 to 3.3):
    uint32              version, 0
    uint64              number of levels of sequence offsets; each level is a uint64, its size in bytes, and the offsets
    uint32              version, 0
    int32               size of the description in bytes
    description         Protobuf: field 1 the number of the type, field 2 once for each dimension (or packed)
    values              row by row, as many as the dimensions say, nothing between them
A combined file (`.pdiparams`, `__params__`) is such tensors one after another in the alphabetical order of their names,
which are not in it: the program beside it has them, for 3.x a json file. A folder of separate files has one a
variable, named for it. Nothing here detects a changed value: the format has no checksum.
"""

import json
import struct
from pathlib import Path

import numpy as np

from common.errors import ConfigError, EnvironmentProblem

DTYPES = {
    0: "bool", 1: "int16", 2: "int32", 3: "int64", 4: "float16", 5: "float32", 6: "float64",
    20: "uint8", 21: "int8", 22: "uint16", 23: "complex64", 24: "complex128",
}  # fmt: skip  # 22 is bfloat16, whose bits are kept as uint16
MOST_LEVELS, MOST_DIMENSIONS, LONGEST_DESCRIPTION = 16, 32, 1024
PROGRAMS = ("__model__", "__model__.json")


def read_tensor_file(path):
    """The array of a file that holds one tensor.

    Raises:
        EnvironmentProblem: it cannot be read, or is no such file.
    """
    found = read_tensors(path)
    if len(found) != 1:
        raise EnvironmentProblem(f"{path}: holds {len(found)} tensors where one is expected")
    return found[0]


def read_combined(path, names=None):
    """The arrays of a combined file: name -> array, bfloat16 as uint16.

    Args:
        path (str | Path): a `.pdiparams` or `__params__`.
        names (list[str]): of the tensors, in any order; None takes those of the json program beside the file.

    Raises:
        ConfigError: no names are given, and there is no program beside the file.
        EnvironmentProblem: a file cannot be read, is damaged, or the two disagree.
    """
    path, shapes = Path(path), None
    if names is None:
        program = path.with_suffix(".json")
        if not program.is_file():
            raise ConfigError(
                f"{path}: its parameters have no names without {program.name} beside it, the program that uses them"
            )
        shapes = program_parameters(program)
        names = list(shapes)
    names, arrays = sorted(names), read_tensors(path)
    if len(names) != len(arrays):
        raise EnvironmentProblem(f"{path}: holds {len(arrays)} tensors, but {len(names)} names are known")
    found = dict(zip(names, arrays, strict=True))
    for name, array in found.items():
        if shapes and list(array.shape) != list(shapes[name]):
            raise EnvironmentProblem(f"{path}: {name} is {list(array.shape)}, the program says {list(shapes[name])}")
    return found


def read_folder(folder, names=None):
    """The arrays of a folder of separate files: name -> array.

    Args:
        folder (str | Path): with a file for each variable, whose name may contain `/`, and perhaps `__model__`.
        names (list[str]): which to read; None reads all.

    Raises:
        EnvironmentProblem: a file is missing, cannot be read or is no tensor.
    """
    folder = Path(folder)
    if names is None:
        files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in PROGRAMS)
        names = [file.relative_to(folder).as_posix() for file in files]
    if not names:
        raise EnvironmentProblem(f"{folder}: holds no file of a variable")
    return {name: read_tensor_file(folder / name) for name in names}


def program_parameters(path):
    """The parameters of a program of PaddlePaddle 3.x (`.json`): name -> shape.

    Raises:
        EnvironmentProblem: it is no such program.
    """
    found = {}
    try:
        program = json.loads(Path(path).read_text(encoding="utf-8"))["program"]
        for operation in program["regions"][0]["blocks"][0]["ops"]:
            if operation["#"] == "p":
                name, shape = operation["A"][3], operation["O"]["TT"]["D"][1]
                if not isinstance(name, str) or not all(type(size) is int for size in shape):
                    raise ValueError(f"a parameter is {name!r} of shape {shape!r}")
                found[name] = shape
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise EnvironmentProblem(
            f"{path}: not a program that PaddlePaddle 3 wrote ({type(error).__name__}: {error})"
        ) from None
    return found


def read_tensors(path):
    """The arrays of a file, one after another.

    Raises:
        EnvironmentProblem: it cannot be read, or its bytes are not a sequence of tensors.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    if not data:
        raise EnvironmentProblem(f"{path}: the file is empty")
    arrays, place = [], 0
    try:
        while place < len(data):
            array, place = one_tensor(data, place)
            arrays.append(array)
    except ValueError as error:
        raise EnvironmentProblem(
            f"{path}: truncated or not a file of tensors: tensor {len(arrays)}, at byte {place}: {error}"
        ) from None
    return arrays


def one_tensor(data, place):
    """(array, place after it) of the tensor at a place in some bytes.

    Raises:
        ValueError: there is none.
    """
    version, levels, place = *number(data, place, "<IQ"), place + 12
    if version != 0 or levels > MOST_LEVELS:
        raise ValueError(f"version {version} with {levels} levels of sequence offsets")
    for _ in range(levels):
        (size,), place = number(data, place, "<Q"), place + 8
        if size % 8 or size > len(data) - place:
            raise ValueError(f"{size} bytes of sequence offsets where {len(data) - place} are left")
        place += size
    version, length, place = *number(data, place, "<Ii"), place + 8
    if version != 0 or not 0 < length <= min(LONGEST_DESCRIPTION, len(data) - place):
        raise ValueError(f"version {version} with a description of {length} bytes")
    kind, shape = described(data[place : place + length])
    place += length
    if kind not in DTYPES:
        raise ValueError(f"values of the unknown type {kind}")
    dtype, count = np.dtype(DTYPES[kind]), 1
    for size in shape:
        count *= size
        if count * dtype.itemsize > len(data) - place:
            raise ValueError(f"{list(shape)} values of {dtype} where {len(data) - place} bytes are left")
    if count * dtype.itemsize > len(data) - place:
        raise ValueError(f"a value of {dtype} where {len(data) - place} bytes are left")
    values = np.frombuffer(data, dtype.newbyteorder("<"), count, place).reshape(shape)
    return values.astype(dtype), place + count * dtype.itemsize


def described(text):
    """(number of the type, shape) of a description.

    Raises:
        ValueError: it is none.
    """
    kind, shape, place = None, [], 0
    while place < len(text):
        key, place = varint(text, place)
        value, place = varint(text, place)
        if key == 0x08:
            kind = value
        elif key == 0x10:
            shape.append(value)
        elif key == 0x12:  # packed: a length, and the dimensions
            end = place + value
            while place < end:
                size, place = varint(text, place)
                shape.append(size)
            if place != end:
                raise ValueError("a description that ends in the middle")
        else:
            raise ValueError(f"a description with the field {key:#x}")
    if kind is None or len(shape) > MOST_DIMENSIONS or any(size >= 1 << 40 for size in shape):
        raise ValueError(f"a description of type {kind} and shape {shape[:8]}")
    return kind, shape


def varint(text, place):
    """(value, place after it) of a Protobuf number of at most ten bytes."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(text):
            raise ValueError("a description that ends in the middle")
        byte, place = text[place], place + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a description with a number of more than ten bytes")


def number(data, place, layout):
    """The numbers of a `struct` layout at a place."""
    if place + struct.calcsize(layout) > len(data):
        raise ValueError(f"{len(data) - place} bytes are left where a header is expected")
    return struct.unpack_from(layout, data, place)
