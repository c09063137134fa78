"""Matrices and integer vectors of Kaldi: archives (ark), their indexes (scp), text and binary.

An archive holds `KEY VALUE` one after another; an index has `KEY FILE:OFFSET` a line, the offset being that of a value.
Nothing of a file is executed: an index entry that is a command (`gzip -dc x |`) is refused.

Shapes in this file:
    T frames of F features.

Issues raised here (`BadSample` of a value, `DataError` of an index):
    D102  truncated or damaged
    D103  larger than `MOST` numbers
    D104  no such file, or no permission
    D113  another kind of value than expected
    D115  a key that is there twice
    D118  a malformed line of an index
"""

import os
import struct
from pathlib import Path

import numpy as np

from common.data.refusals import bad_file, first_bytes, unreadable_file
from common.errors import DataError, DataIssue
from common.files import read_lines
from common.regular import check_regular

MOST = 2**28  # numbers of a value
LONGEST = 2**16  # bytes of a key, and of a line of a matrix in text
SIZES = {b"FM": "<f4", b"DM": "<f8", b"FV": "<f4", b"DV": "<f8"}
COMPRESSED = {b"CM": 1, b"CM2": 2, b"CM3": 3}


def read_archive_index(path):
    """The entries of an index: (key, path of the archive, offset, line number) each, in order.

    A relative path is looked for beside the index, then in the current folder, as Kaldi does.

    Args:
        path (str | Path): the scp file.

    Raises:
        DataError: the file is missing, has a malformed line or a key twice.
    """
    found, seen = [], {}
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        key, _, place = line.strip().partition(" ")
        place = place.strip()
        if not place:
            raise line_error(path, number, "D118", f"'{line[:60]}' is not KEY FILE:OFFSET")
        if place.endswith("|") or place.startswith("|"):
            fix = "write its output to an archive; commands of an index are not run"
            raise line_error(path, number, "D118", f"'{place[:60]}' is a command", fix)
        if key in seen:
            raise line_error(path, number, "D115", f"the key '{key}' is also at line {seen[key]}", "keep one")
        seen[key] = number
        name, _, offset = place.rpartition(":")
        if not name or not offset.isdecimal():
            name, offset = place, "0"
        found.append((key, beside(path, name), int(offset), number))
    return found


def beside(path, name):
    """A file that a list names: beside the list if it is there, else as it is written (str)."""
    near = Path(path).parent / name
    return str(near) if near.exists() else name


def line_error(path, number, code, message, fix=""):
    """The DataError for a line of a list file."""
    return DataError(str(DataIssue(code, "error", str(path), message, place=f"line {number}", fix=fix)))


def read_value(path, offset=0, kind="matrix"):
    """The value at an offset of an archive.

    Args:
        path (str): the archive.
        offset (int): of the value, in bytes, as an index has it.
        kind (str): matrix (float32 [T, F]), or integers (int32 [T]).

    Raises:
        BadSample: see the head of this file.
    """
    try:
        check_regular(path)
        with open(path, "rb") as file:
            reader = Reader(file, path)
            if offset >= reader.size:
                raise bad_file("D102", path, f"ends at byte {reader.size}; a value is expected at byte {offset}")
            file.seek(offset)
            return reader.matrix() if kind == "matrix" else reader.integers()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "an archive of Kaldi") from None


def read_archive(path, kind="matrix"):
    """Yields (key, value) of all values of an archive; see :func:`read_value`."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            reader = Reader(file, path)
            while (key := reader.key()) is not None:
                yield key, reader.matrix() if kind == "matrix" else reader.integers()
    except (OSError, ValueError) as error:
        raise unreadable_file(error, path, "an archive of Kaldi") from None


class Reader:
    """Reads values from an open archive; what a header promises is compared with the size of the file first.

    Args:
        file (BinaryIO): open for reading.
        name (str): of the archive, for messages.
    """

    def __init__(self, file, name):
        self.file, self.name, self.size = file, name, os.fstat(file.fileno()).st_size

    def bad(self, code, message):
        """The BadSample for the current place."""
        return bad_file(code, self.name, f"at byte {self.file.tell()}: {message}")

    def take(self, count):
        """The next bytes."""
        left = self.size - self.file.tell()
        if count > left:
            raise self.bad("D102", f"{count} bytes are announced, but only {max(left, 0)} are left")
        return self.file.read(count)

    def key(self):
        """The next key; None at the end of the file."""
        text = b""
        while (byte := self.file.read(1)) not in (b"", b" "):
            text += byte
            if len(text) > LONGEST:
                raise self.bad("D102", "no key followed by a space: not an archive of Kaldi")
        if not text.strip():
            return None
        if not byte:
            raise self.bad("D102", f"the key {text[:20]!r} has no value")
        try:
            return text.strip().decode("utf-8")
        except UnicodeDecodeError:
            raise self.bad("D102", f"the key {text[:20]!r} is not UTF-8 text") from None

    def is_binary(self):
        """True, and past the mark, if a binary value follows."""
        here = self.file.tell()
        if self.file.read(2) == b"\0B":
            return True
        self.file.seek(here)
        return False

    def number(self):
        """An int32, which is preceded by its size."""
        data = self.take(5)
        if data[0] != 4:
            raise self.bad("D102", f"a number of {data[0]} bytes, expected 4")
        return struct.unpack("<i", data[1:])[0]

    def counts(self, *numbers):
        """Checks the dimensions of a value."""
        if min(numbers) < 0 or int(np.prod([int(number) for number in numbers], dtype=object)) > MOST:
            raise self.bad("D103", f"a value of {' x '.join(map(str, numbers))} numbers; at most {MOST} are read")
        return numbers

    def token(self):
        """The name of a binary type, such as FM."""
        data = b""
        while len(data) < 4 and (byte := self.file.read(1)) not in (b" ", b""):
            data += byte
        return data

    def matrix(self):
        """float32 [T, F]; a vector of numbers is one column."""
        if not self.is_binary():
            return self.text_matrix()
        token = self.token()
        if token in COMPRESSED:
            return self.compressed(COMPRESSED[token])
        if token not in SIZES:
            raise self.bad("D113", f"no matrix of numbers: {first_bytes(token)}")
        rows, columns = self.counts(self.number(), 1 if token.endswith(b"V") else self.number())
        dtype = np.dtype(SIZES[token])
        data = self.take(rows * columns * dtype.itemsize)
        return np.frombuffer(data, dtype).reshape(rows, columns).astype(np.float32)

    def compressed(self, kind):
        """A compressed matrix: 1, a byte a number between quartiles of its column; 2, two bytes; 3, one byte."""
        low, span, rows, columns = struct.unpack("<ffii", self.take(16))
        self.counts(rows, columns)
        if kind != 1:
            wide = 2 if kind == 2 else 1
            data = np.frombuffer(self.take(rows * columns * wide), f"<u{wide}").reshape(rows, columns)
            return (low + data * (span / (65535 if kind == 2 else 255))).astype(np.float32)
        points = np.frombuffer(self.take(8 * columns), "<u2").reshape(columns, 4) * (span / 65535) + low
        data = np.frombuffer(self.take(rows * columns), np.uint8).reshape(columns, rows).T.astype(np.float64)
        lowest, first, third, highest = points.T
        found = np.where(
            data <= 64,
            lowest + (first - lowest) * data / 64,
            np.where(
                data <= 192, first + (third - first) * (data - 64) / 128, third + (highest - third) * (data - 192) / 63
            ),
        )
        return found.astype(np.float32)

    def text_line(self):
        """The rest of a line, without its end."""
        data = self.file.readline(MOST)
        try:
            return data.decode("ascii")
        except UnicodeDecodeError:
            raise self.bad("D102", f"neither binary nor text: {first_bytes(data)}") from None

    def text_matrix(self):
        """float32 [T, F] of `[ 1 2 NEWLINE 3 4 ]`."""
        line, rows = self.text_line().strip(), []
        if not line.startswith("["):
            raise self.bad("D113", f"'{line[:40]}' is no matrix of numbers: expected [")
        line = line[1:]
        while True:
            ended = line.rstrip().endswith("]")
            try:
                row = [float(text) for text in line.replace("]", " ").split()]
            except ValueError:
                raise self.bad("D113", f"'{line[:40].strip()}' is no row of numbers") from None
            if row:
                rows.append(row)
            if ended:
                break
            line = self.text_line()
            if not line:
                raise self.bad("D102", "the matrix has no ]")
        if len({len(row) for row in rows}) > 1:
            raise self.bad("D113", "the rows of the matrix have different lengths")
        return np.array(rows, np.float32).reshape(len(rows), -1 if rows else 0)

    def integers(self):
        """int32 [T], such as an alignment."""
        if not self.is_binary():
            line = self.text_line()
            try:
                return np.array([int(text) for text in line.split()], np.int32)
            except (ValueError, OverflowError):
                raise self.bad("D113", f"'{line[:40].strip()}' are no integers") from None
        count = self.counts(self.number())[0]
        data = np.frombuffer(self.take(5 * count), np.uint8).reshape(count, 5)
        if (data[:, 0] != 4).any():
            raise self.bad("D113", "no vector of 32-bit integers")
        return np.ascontiguousarray(data[:, 1:]).view("<i4").reshape(count).astype(np.int32)


class Writer:
    """Writes an archive and its index, as a context.

    Args:
        path (str | Path): the archive, NAME.ark; the index is NAME.scp beside it, with the name of the archive alone.
    """

    def __init__(self, path):
        self.path = Path(path)

    def __enter__(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.lines = open(self.path, "wb"), []
        return self

    def __exit__(self, *error):
        self.file.close()
        self.path.with_suffix(".scp").write_text("".join(self.lines), encoding="utf-8")

    def write(self, key, value):
        """Adds a matrix float [T, F], or a vector of integers [T].

        Raises:
            ValueError: the key is empty or has spaces, or the value is neither.
        """
        value = np.asarray(value)
        if not key or len(key.split()) != 1 or value.dtype.kind not in "fiu" or value.ndim not in (1, 2):
            raise ValueError(
                f"the key {key!r} with {value.dtype} {list(value.shape)}: no matrix of numbers or integers"
            )
        self.file.write(key.encode("utf-8") + b" ")
        self.lines.append(f"{key} {self.path.name}:{self.file.tell()}\n")
        if value.ndim == 2:
            head = b"".join(b"\4" + struct.pack("<i", count) for count in value.shape)
            self.file.write(b"\0BFM " + head + value.astype("<f4").tobytes())
            return
        rows = np.full((len(value), 5), 4, np.uint8)
        rows[:, 1:] = value.astype("<i4").reshape(-1, 1).view(np.uint8)
        self.file.write(b"\0B\4" + struct.pack("<i", len(value)) + rows.tobytes())
