"""Sequential reading of numbers from the bytes of a file; every size is compared with the bytes that are left."""

from pathlib import Path

import numpy as np

from common.errors import EnvironmentProblem
from common.regular import check_regular


def read_bytes(path):
    """The content of a regular file.

    Raises:
        EnvironmentProblem: it cannot be read or is empty.
    """
    try:
        check_regular(path)
        data = Path(path).read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    if not data:
        raise EnvironmentProblem(f"{path}: the file is empty")
    return data


class ByteReader:
    """Reads little-endian numbers one after another.

    Args:
        data (bytes): what is read.
    """

    def __init__(self, data):
        self.data, self.place = data, 0

    def left(self):
        """The number of bytes that are not read yet."""
        return len(self.data) - self.place

    def array(self, dtype, shape, what="values"):
        """The next values: an array of `shape`, a sequence of ints, and dtype.

        Raises:
            ValueError: fewer bytes are left than that takes.
        """
        dtype, count = np.dtype(dtype).newbyteorder("<"), 1
        for size in shape:
            if size < 0:
                raise ValueError(f"{what} of shape {list(shape)}")
            count *= size
        if count * dtype.itemsize > self.left():
            raise ValueError(
                f"{what} of shape {list(shape)} take {count * dtype.itemsize:,} bytes, but {self.left():,} are left"
            )
        values = np.frombuffer(self.data, dtype, count, self.place).reshape(shape)
        self.place += count * dtype.itemsize
        return values.astype(dtype.newbyteorder("="))

    def number(self, dtype, what="a number"):
        """The next number (int or float)."""
        return self.array(dtype, (), what).item()

    def text(self, length, what="a text"):
        """The next `length` bytes as UTF-8, without zero bytes at the end."""
        return bytes(self.array("u1", (length,), what)).rstrip(b"\0").decode("utf-8")
