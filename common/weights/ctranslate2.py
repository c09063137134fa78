"""Reader of CTranslate2 models (`model.bin`), versions 5 and 6 of the format, without CTranslate2.

The format (https://github.com/OpenNMT/CTranslate2, `python/ctranslate2/specs/model_spec.py`), little-endian: a uint32
version, the name of the specification and its uint32 revision, the uint32 number of variables; for each its name, a
byte with the rank, a uint32 per dimension, a byte with the type, the uint32 number of bytes and these; then the
uint32 number of aliases, each a pair of names. A name is a uint16 length, zero byte included, and the bytes.
"""

from common.errors import EnvironmentProblem
from common.weights.byte_reader import ByteReader, read_bytes

TYPES = ("float32", "int8", "int16", "int32", "float16", "uint16")  # the last one are the bits of bfloat16
MOST_DIMENSIONS = 8


def read_ctranslate2(path):
    """Reads a `model.bin`: name -> array; an alias is the array of the variable that it names.

    Raises:
        EnvironmentProblem: the file cannot be read, is truncated or of another version.
    """
    reader, arrays, name = ByteReader(read_bytes(path)), {}, "the header"
    try:
        version = reader.number("u4")
        if version not in (5, 6):
            raise ValueError(f"version {version} of the format; 5 and 6 are read")
        _name(reader), reader.number("u4")
        for _ in range(reader.number("u4")):
            name = _name(reader)
            shape = reader.array("u4", (reader.number("u1"),)).tolist()
            kind, size = reader.number("u1"), reader.number("u4")
            if kind >= len(TYPES) or len(shape) > MOST_DIMENSIONS:
                raise ValueError(f"type {kind} of shape {shape}")
            before = reader.left()
            array = reader.array(TYPES[kind], shape)
            if before - reader.left() != size or name in arrays:
                raise ValueError(
                    f"{before - reader.left()} bytes for {size}" if name not in arrays else "is there twice"
                )
            arrays[name] = array
        for _ in range(reader.number("u4")):
            name, variable = _name(reader), _name(reader)
            arrays[name] = arrays[variable]
        if reader.left():
            raise ValueError(f"{reader.left()} bytes after the last name")
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise EnvironmentProblem(f"{path}: truncated or not a CTranslate2 model, at {name}: {error}") from None
    return arrays


def _name(reader):
    return reader.text(reader.number("u2"), "a name")
