"""The messages between the server and a predictor's process: JSON and bytes, nothing that could be executed.

A frame is two little-endian numbers (u32 length of the JSON, u64 length of the bytes), the JSON object, the bytes.
"""

import json
import struct

HEAD = struct.Struct("<IQ")


def frame(message, blobs=()):
    """The bytes of a frame; `sizes` of the message says where the blobs part.

    Args:
        message (dict): of plain values.
        blobs (list[bytes]): follow it.
    """
    text = json.dumps({**message, "sizes": [len(blob) for blob in blobs]}, allow_nan=False).encode()
    return b"".join([HEAD.pack(len(text), sum(map(len, blobs))), text, *blobs])


def parted(text, data):
    """(message, blobs) of the two parts of a frame; raises ValueError when they do not fit together."""
    message = json.loads(text)
    sizes, blobs, start = message.pop("sizes"), [], 0
    for size in sizes:
        blobs.append(data[start : start + size])
        start += size
    if start != len(data):
        raise ValueError(f"a frame of {len(data)} bytes says that it has {start}")
    return message, blobs


async def receive(reader):
    """The next (message, blobs) of an asyncio.StreamReader; raises asyncio.IncompleteReadError at the end."""
    text, data = HEAD.unpack(await reader.readexactly(HEAD.size))
    return parted(await reader.readexactly(text), await reader.readexactly(data))


def read(file):
    """The next (message, blobs) of a binary file; None at its end."""
    head = file.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    text, data = HEAD.unpack(head)
    return parted(file.read(text), file.read(data))
