"""Encoding and decoding of safetensors files (https://github.com/huggingface/safetensors, "Format").

A file is 8 bytes (the length of the header, little endian), the header in JSON, then the raw data of the arrays.
NumPy has no bfloat16: as in Paddle, a uint16 array contains the bits of a bfloat16 tensor, and is stored as BF16.
"""

import hashlib
import json
import os

import numpy as np
from safetensors import SafetensorError, deserialize

_NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "uint16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
    "complex64": "C64",
}
_DTYPES = {name: np.dtype(dtype).newbyteorder("<") for dtype, name in _NAMES.items()}


def encode_arrays(arrays):
    """Encodes arrays as the pieces (bytes-like) of a safetensors file, without copying the data.

    Args:
        arrays (dict): name -> array of any shape; stored in the order of their names.

    Raises:
        TypeError: a dtype that the format does not support.
    """
    header, pieces, offset = {}, [], 0
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.name not in _NAMES:
            raise TypeError(f"{name!r} has dtype {array.dtype}, which safetensors files do not support")
        kind = _NAMES[array.dtype.name]
        data = np.ascontiguousarray(array, dtype=_DTYPES[kind])
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + data.nbytes]}
        offset += data.nbytes
        pieces.append(data.reshape(-1).view(np.uint8).data)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little") + text, *pieces]


def decode_arrays(data):
    """Decodes the bytes of a safetensors file to name -> array. The inverse of :func:`encode_arrays`.

    Raises:
        ValueError: the file is malformed.
    """
    try:
        entries = deserialize(bytes(data))
    except SafetensorError as error:
        raise ValueError(f"not a safetensors file ({error})") from None
    arrays = {}
    for name, entry in sorted(entries, key=lambda pair: pair[0]):  # the library gives them in another order each time
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"{name!r} has dtype {entry['dtype']}, which is not supported")
        arrays[name] = np.frombuffer(entry["data"], _DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def digest(arrays):
    """One SHA-256 digest over names, dtypes, shapes and data: equal digests mean bit-identical arrays."""
    total = hashlib.sha256()
    for piece in encode_arrays(arrays):
        total.update(piece)
    return total.hexdigest()


def write_atomically(path, pieces):
    """Writes a file (Path) from its pieces via a temporary file and a rename; its folder is created if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.writelines(pieces)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
