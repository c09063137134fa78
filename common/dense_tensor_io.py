"""Reads the parameter files of Paddle 1.x and 2.x static graphs, one tensor a file or many in one.

The format (paddle/fluid/framework/lod_tensor.cc and tensor_util.cc of these versions), little endian:
    uint32 0                version of the sequence part
    uint64 L                levels of sequence offsets, each: uint64 bytes, then the bytes
    uint32 0                version of the tensor part
    int32 D, D bytes        a protobuf: field 1 the type, field 2 (repeated) the sizes
    the numbers, row by row
Nothing in such a file can run; sizes are checked before anything is read by them.
"""

import math
import struct
from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem

TYPES = {
    0: "bool",
    1: "int16",
    2: "int32",
    3: "int64",
    4: "float16",
    5: "float32",
    6: "float64",
    20: "uint8",
    21: "int8",
}
MOST_LEVELS, MOST_AXES = 8, 16


def read_tensor_folder(folder, skip=("__model__",)):
    """The tensors of a folder with one file each: file name -> array.

    Raises:
        EnvironmentProblem: a file is no such tensor.
    """
    files = sorted(file for file in Path(folder).iterdir() if file.is_file() and file.name not in skip)
    return {file.name: read_tensor_file(file) for file in files}


def read_tensor_file(path):
    """The one tensor of a file.

    Raises:
        EnvironmentProblem: the file is truncated, longer than its tensor, or something else.
    """
    data = Path(path).read_bytes()
    array, end = read_tensor(data, 0, path)
    if end != len(data):
        raise EnvironmentProblem(f"{path}: {len(data) - end} bytes are left after the tensor; not a file of one tensor")
    return array


def read_tensor(data, start, path):
    """(array, where it ends) of the tensor that begins at byte `start` of the bytes `data`."""
    try:
        version, levels = struct.unpack_from("<IQ", data, start)
        place = start + 12
        if version or levels > MOST_LEVELS:
            raise ValueError(f"version {version}, {levels} sequence levels")
        for _ in range(levels):
            (size,) = struct.unpack_from("<Q", data, place)
            place += 8 + size
        version, length = struct.unpack_from("<Ii", data, place)
        place += 8
        if version or not 0 < length <= 256:
            raise ValueError(f"version {version}, a description of {length} bytes")
        kind, shape = read_description(data[place : place + length])
        place += length
        dtype = np.dtype(TYPES[kind]).newbyteorder("<")
        count = math.prod(shape)
        if place + count * dtype.itemsize > len(data):
            raise ValueError(f"{len(data)} bytes for a tensor of {shape}")
        array = np.frombuffer(data, dtype, count, place).reshape(shape)
        return array.astype(array.dtype.newbyteorder("=")), place + count * dtype.itemsize
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise EnvironmentProblem(f"{path}: not a tensor that Paddle wrote, or truncated: {error}") from None


def read_description(data):
    """(type number, sizes) of the protobuf that describes a tensor."""
    kind, shape, place = None, [], 0
    while place < len(data):
        key, place = read_varint(data, place)
        if key == 0x12:  # field 2, packed
            size, place = read_varint(data, place)
            end = place + size
            while place < end:
                value, place = read_varint(data, place)
                shape.append(value)
        elif key in (0x08, 0x10):
            value, place = read_varint(data, place)
            if key == 0x08:
                kind = value
            else:
                shape.append(value)
        else:
            raise ValueError(f"an unknown field {key:#x}")
    if kind is None or len(shape) > MOST_AXES or any(size >= 2**40 for size in shape):
        raise ValueError(f"type {kind}, sizes {shape}")
    return kind, shape


def read_varint(data, place):
    """(number, next place) of a protobuf number of variable length."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
