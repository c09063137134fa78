"""Reader of PaddlePaddle 1.x tensor files and of exported parameters (`.pdiparams`), without PaddlePaddle.

The framework's own reader trusts the sizes in a file; this one compares each with the number of bytes left.

One tensor, all numbers little-endian (`SerializeToStream` of the framework, the same from 1.0 to 3.3):
    uint32              version, 0
    uint64              number of LoD levels; each is a uint64, its size in bytes, followed by the offsets
    uint32              version, 0
    int32               size of the tensor description in bytes
    description         Protobuf: field 1 is the type number, field 2 appears once per dimension (or packed)
    values              contiguous, in row-major order
A combined file (`.pdiparams`, `__params__`) concatenates such tensors in the alphabetical order of their names, which
are not in the file but in the program beside it (for 3.x a JSON file). A folder of separate files has one file per
variable, named after it. A changed value cannot be detected: the format has no checksum.
"""

import json
import struct
from pathlib import Path

import numpy as np

from common.errors import ConfigError, EnvironmentProblem
from common.weights.byte_reader import read_bytes

DTYPES = {
    0: "bool", 1: "int16", 2: "int32", 3: "int64", 4: "float16", 5: "float32", 6: "float64",
    20: "uint8", 21: "int8", 22: "uint16", 23: "complex64", 24: "complex128",
}  # fmt: skip  # 22 is bfloat16, whose bits are kept as uint16
MOST_LEVELS, MOST_DIMENSIONS, LONGEST_DESCRIPTION = 16, 32, 1024
PROGRAMS = ("__model__", "__model__.json")


def read_tensor_file(path):
    """Reads a file that contains one tensor.

    Raises:
        EnvironmentProblem: the file cannot be read or is not in this format.
    """
    found = read_tensors(path)
    if len(found) != 1:
        raise EnvironmentProblem(f"{path}: contains {len(found)} tensors, expected one")
    return found[0]


def read_combined(path, names=None):
    """Reads a combined file: name -> array, bfloat16 as uint16.

    Args:
        path (str | Path): a `.pdiparams` or `__params__` file.
        names (list[str]): the tensor names in any order; None takes those of the JSON program beside the file.

    Raises:
        ConfigError: no names are given and there is no program beside the file.
        EnvironmentProblem: a file cannot be read or is damaged, or file and program disagree.
    """
    path, shapes = Path(path), None
    if names is None:
        program = path.with_suffix(".json")
        if not program.is_file():
            raise ConfigError(
                f"{path}: the parameter names are in the program {program.name}, which is missing beside it"
            )
        shapes = program_parameters(program)
        names = list(shapes)
    names, arrays = sorted(names), read_tensors(path)
    if len(names) != len(arrays):
        raise EnvironmentProblem(f"{path}: contains {len(arrays)} tensors for {len(names)} names")
    found = dict(zip(names, arrays, strict=True))
    for name, array in found.items():
        if shapes and list(array.shape) != list(shapes[name]):
            raise EnvironmentProblem(
                f"{path}: {name} has shape {list(array.shape)}, {list(shapes[name])} in the program"
            )
    return found


def is_folder_of_tensors(folder):
    """True for a folder with `__model__`, or with nothing but files of single variables, which begin with version 0."""
    files = [path for path in Path(folder).glob("*") if not path.is_dir()]
    if any(path.name == PROGRAMS[0] for path in files):
        return True
    return bool(files) and all(path.is_file() and path.open("rb").read(4) == bytes(4) for path in files)


def read_folder(folder, names=None):
    """Reads a folder of separate files: name -> array.

    Args:
        folder (str | Path): one file per variable, whose name may contain `/`, and optionally `__model__`.
        names (list[str]): the variables to read; None reads all.

    Raises:
        EnvironmentProblem: a file is missing, cannot be read or is not a tensor.
    """
    folder = Path(folder)
    if names is None:
        files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in PROGRAMS)
        names = [file.relative_to(folder).as_posix() for file in files]
    if not names:
        raise EnvironmentProblem(f"{folder}: contains no variable files")
    return {name: read_tensor_file(folder / name) for name in names}


def program_parameters(path):
    """The parameters of a PaddlePaddle 3.x program (`.json`): name -> shape.

    Raises:
        EnvironmentProblem: the file cannot be read or is not such a program.
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
            f"{path}: not a program written by PaddlePaddle 3 ({type(error).__name__}: {error})"
        ) from None
    return found


def read_tensors(path):
    """Reads all tensors of a file, in order.

    Raises:
        EnvironmentProblem: the file cannot be read or is not a sequence of tensors.
    """
    data, arrays, offset = read_bytes(path), [], 0
    try:
        while offset < len(data):
            array, offset = parse_tensor(data, offset)
            arrays.append(array)
    except ValueError as error:
        raise EnvironmentProblem(
            f"{path}: truncated or not a tensor file: tensor {len(arrays)}, at byte {offset}: {error}"
        ) from None
    return arrays


def parse_tensor(data, offset):
    """(array, offset after it) of the tensor at a byte offset.

    Raises:
        ValueError: the bytes there are not a tensor.
    """
    version, levels, offset = *unpack_numbers(data, offset, "<IQ"), offset + 12
    if version != 0 or levels > MOST_LEVELS:
        raise ValueError(f"version {version} with {levels} LoD levels")
    for _ in range(levels):
        (size,), offset = unpack_numbers(data, offset, "<Q"), offset + 8
        if size % 8 or size > len(data) - offset:
            raise ValueError(f"{size} bytes of LoD offsets, but {len(data) - offset} bytes are left")
        offset += size
    version, length, offset = *unpack_numbers(data, offset, "<Ii"), offset + 8
    if version != 0 or not 0 < length <= min(LONGEST_DESCRIPTION, len(data) - offset):
        raise ValueError(f"version {version} with a description of {length} bytes")
    kind, shape = parse_description(data[offset : offset + length])
    offset += length
    if kind not in DTYPES:
        raise ValueError(f"values of the unknown type {kind}")
    dtype, count = np.dtype(DTYPES[kind]), 1
    for size in shape:
        count *= size
        if count * dtype.itemsize > len(data) - offset:
            raise ValueError(f"{list(shape)} values of {dtype}, but {len(data) - offset} bytes are left")
    if count * dtype.itemsize > len(data) - offset:
        raise ValueError(f"a value of {dtype}, but {len(data) - offset} bytes are left")
    values = np.frombuffer(data, dtype.newbyteorder("<"), count, offset).reshape(shape)
    return values.astype(dtype), offset + count * dtype.itemsize


def parse_description(text):
    """(type number, shape) of a tensor description.

    Raises:
        ValueError: the bytes are not a description.
    """
    kind, shape, offset = None, [], 0
    while offset < len(text):
        key, offset = varint(text, offset)
        value, offset = varint(text, offset)
        if key == 0x08:
            kind = value
        elif key == 0x10:
            shape.append(value)
        elif key == 0x12:  # packed: a length, followed by the dimensions
            end = offset + value
            while offset < end:
                size, offset = varint(text, offset)
                shape.append(size)
            if offset != end:
                raise ValueError("a truncated description")
        else:
            raise ValueError(f"a description with the field {key:#x}")
    if kind is None or len(shape) > MOST_DIMENSIONS or any(size >= 1 << 40 for size in shape):
        raise ValueError(f"a description of type {kind} and shape {shape[:8]}")
    return kind, shape


def varint(text, offset):
    """(value, offset after it) of a Protobuf varint of at most ten bytes."""
    value = 0
    for shift in range(0, 70, 7):
        if offset >= len(text):
            raise ValueError("a truncated description")
        byte, offset = text[offset], offset + 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
    raise ValueError("a description with a varint of more than ten bytes")


def unpack_numbers(data, offset, layout):
    """Unpacks the numbers of a `struct` layout at a byte offset."""
    if offset + struct.calcsize(layout) > len(data):
        raise ValueError(f"{len(data) - offset} bytes are left, expected a header")
    return struct.unpack_from(layout, data, offset)
