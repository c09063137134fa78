"""Reader of the inference models of PaddlePaddle 2.x, `.pdmodel` and `.pdiparams`, without PaddlePaddle.

The program is a Protobuf message (framework.proto); of it only the parameters, their shapes and the order of their
first use are read. Written here because the format is four nested messages of a wire format of ten lines, and the
package `protobuf` would need the schema of the framework. Nothing of the program is run, every length is compared with
the bytes that are left, and the values are read by `paddle1_tensors`, as they are in a `.pdiparams` file.
"""

from pathlib import Path

from common.errors import EnvironmentProblem
from common.weights.byte_reader import read_bytes
from common.weights.paddle1_tensors import parse_description, read_combined, varint

LOD_TENSOR = 7  # the type number of a variable that is a tensor
ORDER = ("w_0", "b_0", "w_1", "w_2")  # of the parameters of a layer: weight, bias, mean and variance of a normalization


def read_inference_model(path):
    """Reads the parameters of an inference model: name -> array, in the order in which the program first uses them.

    Args:
        path (str | Path): a `.pdmodel` file, with the `.pdiparams` file of the same name beside it.

    Raises:
        EnvironmentProblem: a file is missing, cannot be read or is damaged, or the two do not belong together.
    """
    path = Path(path)
    shapes = parameter_shapes(path)
    arrays = read_combined(path.with_suffix(".pdiparams"), list(shapes))
    for name, array in arrays.items():
        if list(array.shape) != shapes[name]:
            raise EnvironmentProblem(
                f"{path.with_suffix('.pdiparams')}: {name} has shape {list(array.shape)}, {shapes[name]} in {path.name}"
            )
    return {name: arrays[name] for name in shapes}


def parameter_shapes(path):
    """The parameters of a `.pdmodel` file: name -> shape (list[int]), in the order of their first use.

    Raises:
        EnvironmentProblem: it cannot be read or is no program.
    """
    try:
        return parse_program(memoryview(read_bytes(path)))
    except ValueError as error:
        raise EnvironmentProblem(f"{path}: truncated or not a program of PaddlePaddle 2: {error}") from None


def parse_program(data):
    """The parameters of the bytes of a program, see :func:`parameter_shapes`; raises ValueError."""
    shapes, used = {}, {}
    for block in messages(data, 1):
        for variable in messages(block, 3):
            name, shape = parse_variable(variable)
            if shape is not None:
                shapes[name] = shape
        for operation in messages(block, 4):
            names = [text_of(name) for slot in messages(operation, 1) for name in messages(slot, 2)]
            used.update(dict.fromkeys(sorted(names, key=layer_order)))
    if not shapes:
        raise ValueError("it has no parameters")
    return {name: shapes[name] for name in (*used, *shapes) if name in shapes}


def parse_variable(data):
    """(name, shape) of a variable; the shape is None where it is no parameter."""
    fields = list(wire_fields(data))
    name = next((text_of(value) for number, value in fields if number == 1), "")
    kinds = [value for number, value in fields if number == 2 and isinstance(value, memoryview)]
    persistable = any(number == 3 and value == 1 for number, value in fields)
    if not kinds or not persistable or (1, LOD_TENSOR) not in list(wire_fields(kinds[0])):
        return name, None
    described = [tensor for lod in messages(kinds[0], 3) for tensor in messages(lod, 1)]
    if len(described) != 1:
        raise ValueError(f"the parameter {name!r} has no shape")
    return name, parse_description(bytes(described[0]))[1]


def layer_order(name):
    """The sort key of the parameters of one operation."""
    layer, _, part = name.rpartition(".")
    return layer, ORDER.index(part) if part in ORDER else len(ORDER)


def messages(data, wanted):
    """The fields of a message that have the number `wanted` and are messages or texts themselves (memoryview)."""
    return [value for number, value in wire_fields(data) if number == wanted and isinstance(value, memoryview)]


def wire_fields(data):
    """Yields the fields of a Protobuf message: (number, int or memoryview); fixed-size values as memoryview.

    Raises:
        ValueError: a field goes beyond the end, or has a wire type that Protobuf has not.
    """
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = varint(data, place)
            yield number, value
            continue
        if kind == 2:
            size, place = varint(data, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of wire type {kind} at byte {place}")
        if size > len(data) - place:
            raise ValueError(f"a field of {size:,} bytes, but {len(data) - place:,} are left")
        yield number, data[place : place + size]
        place += size


def text_of(value):
    """A field as text; raises ValueError."""
    if not isinstance(value, memoryview):
        raise ValueError("a number in the place of a name")
    return bytes(value).decode("utf-8")
