"""Reader of the weights of TFLite models, without TensorFlow.

Written here because FlatBuffers' Python code does not verify what it reads: an offset may lead anywhere. The format is
schema.fbs of TensorFlow Lite in FlatBuffers' encoding (https://flatbuffers.dev/internals): little-endian, a table
begins with the distance back to its vtable, which has its own size, that of the table, and the place of each field in
the table, 0 for a field that is absent; strings, vectors and other tables are referred to by the distance forward.
Every place and size is compared with the file before it is used; the depth is that of the fields below, and what
several references to one place may add up to is limited.
"""

import dataclasses
import struct

import numpy as np

from common.errors import EnvironmentProblem
from common.weights.byte_reader import read_bytes

IDENTIFIER = b"TFL3"
# the numbers of the fields of tables
OPERATOR_CODES, SUBGRAPHS, BUFFERS = 1, 2, 4  # of a model
OLD_CODE, CODE = 0, 3  # of an operator code
TENSORS, OPERATORS = 0, 3  # of a subgraph
SHAPE, TYPE, BUFFER, NAME, QUANTIZATION, SPARSITY = 0, 1, 2, 3, 4, 6  # of a tensor
SCALE, ZERO_POINT, QUANTIZED_AXIS = 2, 3, 6  # of a quantization
OPCODE, INPUTS, OUTPUTS = 0, 1, 2  # of an operator
DATA = 0  # of a buffer
DEQUANTIZE = 6  # the operator
TYPES = {
    0: "f4",
    1: "f2",
    2: "i4",
    3: "u1",
    4: "i8",
    6: "bool",
    7: "i2",
    9: "i1",
    10: "f8",
    12: "u8",
    15: "u4",
    16: "u2",
}
QUANTIZED = ("u1", "i1", "i2", "i4")
SCALARS = {"i1": struct.Struct("<b"), "u2": struct.Struct("<H"), "i4": struct.Struct("<i"), "u4": struct.Struct("<I")}
MOST_DIMENSIONS = 8
MOST_FIELDS = 16  # of a table that are looked at
MOST_INPUTS = 1_000_000  # of all operators
MOST_SHARED = 4  # times the size of the file, of weights that share their bytes


def read_tflite(path):
    """Reads the weights of a model: name -> array, in the order in which its operators use them; then those unused.

    Filters of convolutions are [out, h, w, in], of depthwise ones [1, h, w, C], those of linear layers [out, in].
    Quantized weights become float32. Constants that a DEQUANTIZE makes of float16 count where its result is used.

    Args:
        path (str | Path): a `.tflite` file.

    Raises:
        EnvironmentProblem: the file cannot be read, is truncated, is no model of one graph, or has sparse weights.
    """
    data = read_bytes(path)
    try:
        if data[4:8] != IDENTIFIER:
            raise ValueError(f"bytes 4 to 8 are {data[4:8]!r}, not {IDENTIFIER!r}")
        return _read(Buffer(data))
    except (ValueError, OverflowError) as error:
        raise EnvironmentProblem(f"{path}: truncated or not a TFLite model: {error}") from None


def _read(file):
    """The weights of a model; arguments and result as of :func:`read_tflite`."""
    model = file.table(file.reference(0))
    graphs, buffers, codes = (model.tables(field) for field in (SUBGRAPHS, BUFFERS, OPERATOR_CODES))
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} graphs; models of one are read")
    codes = [max(code.number(OLD_CODE, "i1"), code.number(CODE, "i4")) for code in codes]
    tensors, order, source = graphs[0].tables(TENSORS), [], {}
    for operator in graphs[0].tables(OPERATORS):
        code = _item(codes, operator.number(OPCODE, "u4"), "operator code")
        inputs = [place for place in operator.numbers(INPUTS, "i4").tolist() if place != -1]  # -1 is left out
        outputs = operator.numbers(OUTPUTS, "i4").tolist()
        if code == DEQUANTIZE and len(inputs) == len(outputs) == 1:
            source[outputs[0]] = inputs[0]
        else:
            order += [source.get(place, place) for place in inputs]
        if len(order) > MOST_INPUTS:
            raise ValueError(f"more than {MOST_INPUTS:,} inputs of operators")
    arrays, total = {}, 0
    for place in dict.fromkeys([*order, *range(len(tensors))]):
        tensor = _item(tensors, place, "tensor")
        buffer = _item(buffers, tensor.number(BUFFER, "u4"), "buffer")
        values = buffer.numbers(DATA, "u1")
        if len(values):
            name, total = tensor.text(NAME), total + len(values)
            if total > MOST_SHARED * file.size:
                raise ValueError(f"the weights take more than {MOST_SHARED} times the bytes of the file")
            if name in arrays:
                raise ValueError(f"two weights named {name!r}")
            arrays[name] = _array(tensor, values, name)
    if not arrays:
        raise ValueError("the model has no weights")
    return arrays


def _item(items, place, what):
    """An item of a list by its number, which comes from the file."""
    if not 0 <= place < len(items):
        raise ValueError(f"{what} {place} of {len(items)}")
    return items[place]


def _array(tensor, values, name):
    """The array of a constant tensor."""
    shape, kind = tensor.numbers(SHAPE, "i4").tolist(), tensor.number(TYPE, "i1")
    if tensor.has(SPARSITY):
        raise ValueError(f"{name!r} is sparse, which is not read here")
    if kind not in TYPES or len(shape) > MOST_DIMENSIONS or any(size < 0 for size in shape):
        raise ValueError(f"{name!r} has the type {kind} and the shape {shape[:MOST_DIMENSIONS]}")
    dtype, count = np.dtype(TYPES[kind]).newbyteorder("<"), 1
    for size in shape:
        count *= size
    if count * dtype.itemsize != len(values):
        raise ValueError(f"{name!r} of shape {shape} takes {count * dtype.itemsize:,} bytes, not {len(values):,}")
    array = values.view(dtype).reshape(shape).astype(dtype.newbyteorder("="))
    quantization = tensor.follow(QUANTIZATION)
    if quantization and TYPES[kind] in QUANTIZED:
        scale, zero = quantization.numbers(SCALE, "f4"), quantization.numbers(ZERO_POINT, "i8")
        if len(scale):
            axis = quantization.number(QUANTIZED_AXIS, "i4")
            return _scaled(array, scale, zero, axis, name)
    return array


def _scaled(array, scale, zero, axis, name):
    """Numbers of an array as (value - zero point) * scale, float32, of the whole array or along an axis."""
    if len(scale) != 1:
        if not 0 <= axis < array.ndim or len(scale) != array.shape[axis]:
            raise ValueError(f"{name!r} has {len(scale)} scales along axis {axis} of {list(array.shape)}")
        shape = [-1 if place == axis else 1 for place in range(array.ndim)]
        scale, zero = scale.reshape(shape), zero.reshape(shape) if len(zero) == len(scale) else np.zeros(1)
    with np.errstate(over="ignore", invalid="ignore"):
        return ((array - zero.astype("f8") if zero.size else array) * scale).astype("f4")


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a buffer.

    Args:
        file (Buffer): that it lies in.
        start (int): its place.
        fields (tuple[int]): of each field the place in the table, 0 for one that is absent.
    """

    file: object
    start: int
    fields: tuple

    def has(self, field):
        """True if the field is there."""
        return field < len(self.fields) and self.fields[field] != 0

    def number(self, field, dtype):
        """The number in a field (int); 0 for an absent one."""
        return self.file.scalar(self.start + self.fields[field], dtype) if self.has(field) else 0

    def follow(self, field):
        """The table that a field refers to; None for an absent one."""
        return self.file.table(self.file.reference(self.start + self.fields[field])) if self.has(field) else None

    def numbers(self, field, dtype):
        """The vector of numbers that a field refers to (array [n]); none for an absent one."""
        if not self.has(field):
            return np.zeros(0, dtype)
        return self.file.vector(self.file.reference(self.start + self.fields[field]), dtype)

    def tables(self, field):
        """The vector of tables that a field refers to (list[Table]); none for an absent one."""
        if not self.has(field):
            return []
        place = self.file.reference(self.start + self.fields[field])
        count = len(self.file.vector(place, "u4"))
        return [self.file.table(self.file.reference(place + 4 + 4 * number)) for number in range(count)]

    def text(self, field):
        """The string that a field refers to; empty for an absent one."""
        return self.numbers(field, "u1").tobytes().decode("utf-8")


class Buffer:
    """A FlatBuffer whose places are all compared with its size.

    Args:
        data (bytes): the file.
    """

    def __init__(self, data):
        self.data, self.size, self.known = data, len(data), {}

    def scalar(self, place, dtype):
        """The number at a place (int)."""
        form = SCALARS[dtype]
        if place < 0 or place + form.size > self.size:
            raise ValueError(f"a number at {place:,} of {self.size:,} bytes")
        return form.unpack_from(self.data, place)[0]

    def reference(self, place):
        """The place that the distance at a place leads to (int)."""
        return place + self.scalar(place, "u4")

    def vector(self, place, dtype):
        """The vector at a place: its length, then its numbers (array [n])."""
        return self._array(place + 4, dtype, self.scalar(place, "u4"))

    def table(self, start):
        """The table at a place; the same one for the same place."""
        if start in self.known:
            return self.known[start]
        vtable = start - self.scalar(start, "i4")
        size, length = self.scalar(vtable, "u2"), self.scalar(vtable + 2, "u2")
        if size < 4 or size % 2 or start + length > self.size:
            raise ValueError(f"a table at {start} with a vtable of {size} bytes")
        places = tuple(self._array(vtable + 4, "u2", min(size // 2 - 2, MOST_FIELDS)).tolist())
        if any(place >= length for place in places if place):
            raise ValueError(f"a field outside of the table at {start}")
        self.known[start] = Table(self, start, places)
        return self.known[start]

    def _array(self, place, dtype, count):
        """Numbers at a place (array [count])."""
        dtype = np.dtype(dtype).newbyteorder("<")
        if place < 0 or count * dtype.itemsize > self.size - place:
            raise ValueError(f"{count:,} numbers at {place:,} of {self.size:,} bytes")
        return np.frombuffer(self.data, dtype, count, place)
