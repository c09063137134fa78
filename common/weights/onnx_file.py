"""Reader of the weights of ONNX models, without the package onnx.

Written here because an installation has no other use for onnx and protobuf, and because four of their messages are
enough. The format is onnx.proto (https://github.com/onnx/onnx) in protobuf's encoding
(https://protobuf.dev/programming-guides/encoding): a field is a number and a wire type, 0 for a variable number of
7 bits a byte, 1 and 5 for 8 and 4 bytes, 2 for a length and as many bytes. Fields that are not listed here are skipped;
nothing is nested more than four deep, and no number is trusted before it is compared with the bytes that are there.
"""

from array import array

import numpy as np

from common.errors import EnvironmentProblem
from common.weights.byte_reader import ByteReader, read_bytes

GRAPH = 7  # of a model
NODE, INITIALIZER, SPARSE_INITIALIZER = 1, 5, 15  # of a graph
INPUT, OUTPUT, OPERATOR, ATTRIBUTE = 1, 2, 4, 5  # of a node
TENSOR = 5  # of an attribute
DIMS, DATA_TYPE, NAME, RAW, LOCATION = 1, 2, 8, 9, 14  # of a tensor
TYPES = {  # data type -> dtype, the field of its numbers, how they are written there; the bits of bfloat16 are uint16
    1: ("f4", 4, "f4"), 2: ("u1", 5, ""), 3: ("i1", 5, ""), 5: ("i2", 5, ""), 6: ("i4", 5, ""), 7: ("i8", 7, ""),
    9: ("bool", 5, ""), 10: ("f2", 5, "u2"), 11: ("f8", 10, "f8"), 12: ("u4", 11, ""), 13: ("u8", 11, ""),
    16: ("u2", 5, "u2"),
}  # fmt: skip
MOST_DIMENSIONS = 8
MOST_PARTS = 1_000_000  # nodes and tensors; the largest public models have some ten thousand


def read_onnx(path):
    """Reads the weights of a model: name -> array, in the order in which its nodes use them; then those unused.

    Weights are the initializers and the tensors of Constant nodes.

    Args:
        path (str | Path): an `.onnx` file that holds its weights.

    Raises:
        EnvironmentProblem: the file cannot be read, is truncated, is no model, or has its weights in another file.
    """
    data = read_bytes(path)
    try:
        parts = [value for number, kind, value in fields(memoryview(data)) if number == GRAPH and kind == 2]
        if len(parts) != 1:
            raise ValueError(f"{len(parts)} graphs")
        arrays, used = _graph(parts[0])
    except (ValueError, UnicodeDecodeError, OverflowError) as error:
        raise EnvironmentProblem(f"{path}: truncated or not an ONNX model: {error}") from None
    if not arrays:
        raise EnvironmentProblem(f"{path}: the model has no weights")
    return {name: arrays[name] for name in dict.fromkeys([*used, *arrays]) if name in arrays}


def _graph(data):
    """The arrays of a graph by name, and the names of everything that its nodes take, in their order."""
    arrays, used, count = {}, [], 0
    for number, kind, value in fields(data):
        if number == SPARSE_INITIALIZER:
            raise ValueError("sparse weights, which are not read here")
        if kind != 2 or number not in (NODE, INITIALIZER):
            continue
        count += 1
        if count > MOST_PARTS:
            raise ValueError(f"more than {MOST_PARTS:,} nodes and weights")
        if number == NODE:
            inputs, constant = _node(value)
            used += inputs
        else:
            constant = _tensor(value)
        if constant:
            if constant[0] in arrays:
                raise ValueError(f"two weights named {constant[0]!r}")
            arrays[constant[0]] = constant[1]
    return arrays, used


def _node(data):
    """The names of the inputs of a node, and the (name, array) of a Constant, else None."""
    inputs, outputs, operator, tensors = [], [], "", []
    for number, kind, value in fields(data):
        if kind != 2:
            continue
        if number == INPUT:
            inputs.append(_text(value))
        elif number == OUTPUT:
            outputs.append(_text(value))
        elif number == OPERATOR:
            operator = _text(value)
        elif number == ATTRIBUTE:
            tensors += [inner for field, kind, inner in fields(value) if field == TENSOR and kind == 2]
    if operator == "Constant" and len(tensors) == 1 and len(outputs) == 1:
        return inputs, (outputs[0], _tensor(tensors[0])[1])
    return inputs, None


def _tensor(data):
    """The (name, array) of a tensor."""
    dims, kind_of_data, name, raw, location, values = [], 0, "", None, 0, {}
    for number, kind, value in fields(data):
        if number == DIMS:
            dims += [value] if kind == 0 else varints(value[: 10 * MOST_DIMENSIONS + 1])
        elif number == DATA_TYPE and kind == 0:
            kind_of_data = value
        elif number == NAME and kind == 2:
            name = _text(value)
        elif number == RAW and kind == 2:
            raw = value
        elif number == LOCATION and kind == 0:
            location = value
        elif number in (4, 5, 7, 10, 11):
            values.setdefault(number, []).append((kind, value))
    if location:
        raise ValueError(f"{name!r} lies in another file; save the model as one file")
    if kind_of_data not in TYPES or len(dims) > MOST_DIMENSIONS:
        raise ValueError(f"{name!r} has the data type {kind_of_data} and {len(dims)} dimensions")
    dtype, field, written = TYPES[kind_of_data]
    if raw is None:
        raw = _packed(values.get(field, []), dtype, written)
    reader = ByteReader(raw)
    values = reader.array(dtype, [signed(size) for size in dims], repr(name))
    if reader.left():
        raise ValueError(f"{reader.left():,} bytes after the values of {name!r}")
    return name, values


def _packed(pieces, dtype, written):
    """The numbers of a tensor without raw data as little-endian bytes of `dtype`."""
    if written in ("f4", "f8"):
        return b"".join(bytes(value) for _, value in pieces)
    numbers = array("Q")
    for kind, value in pieces:
        numbers.extend([value] if kind == 0 else varints(value))
    wide = np.frombuffer(numbers, np.uint64)
    return wide.astype(written or dtype).astype(np.dtype(written or dtype).newbyteorder("<")).tobytes()


def fields(data):
    """The fields of a message: yields (number, wire type, value), a value being an int or a memoryview.

    Args:
        data (memoryview): the message.

    Raises:
        ValueError: it ends within a field, or has a wire type that is no longer used.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(data, place)
        elif kind in (1, 2, 5):
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, place = _varint(data, place)
            if size > len(data) - place:
                raise ValueError(f"a field of {size:,} bytes, but {len(data) - place:,} are left")
            value, place = data[place : place + size], place + size
        else:
            raise ValueError(f"a field of the wire type {kind}")
        if number == 0:
            raise ValueError("a field of the number 0")
        yield number, kind, value


def varints(data):
    """All numbers of a packed field (array of unsigned 64 bits)."""
    place, found = 0, array("Q")
    while place < len(data):
        value, place = _varint(data, place)
        found.append(value)
    return found


def _varint(data, place):
    """A number of at most 64 bits and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise ValueError("the file ends within a number")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), place
    raise ValueError("a number of more than 10 bytes")


def signed(value):
    """A number of 64 bits as one with a sign."""
    return value - 2**64 if value >= 2**63 else value


def _text(value):
    return bytes(value).decode("utf-8")
