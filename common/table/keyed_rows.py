"""Files of rows by 64-bit keys, such as published embeddings: mapped into memory, in the order of the keys' hashes.

A file is written once and never changed.  All numbers are little-endian; every part begins at a multiple of 64 bytes:

    header    4096 bytes, see HEADER, ending with the SHA-256 of what it says
    first     u32 [2**b + 1]: where the keys begin whose hash begins with these b bits
    keys      u64 [R], ascending by hash (`common.table.hash.splitmix64`)
    rows      f32 or f16 [R, K]
    default   f32 [K]: the row of all other keys
    digest    32 bytes, the SHA-256 of everything before

A look-up reads one entry of `first` and on average less than two keys, however many rows there are.
`deploy/cpp/src/keyed_rows.cc` reads the same files.
"""

import hashlib
import mmap
import os
import struct
from pathlib import Path

import numpy as np

from common.errors import DataError, EnvironmentProblem
from common.regular import check_regular
from common.table.first_rows import first_rows
from common.table.hash import splitmix64
from common.weights.manifest import write_file

MAGIC = b"KITROWS\n"
VERSION = 1
HEADER = struct.Struct("<8sIIQIIII5Q")  # magic, version, type, R, K, b, longest run, 0, begins of the parts, size
HEADER_SIZE = 4096
ALIGNED = 64
DIGEST = 32
TYPES = {"float32": 0, "float16": 1}
MOST_ROWS = 2**32 - 1
CHUNK = 1 << 16  # rows gathered at a time
WINDOW = 1 << 12  # keys compared at once in a small look-up


def write_keyed_rows(path, parts, default=None, dtype="float32"):
    """Writes a file of rows and flushes it to disk; nothing appears under its name before it is whole.

    Args:
        path (str | Path): of the file; one that is there is replaced.
        parts (list[tuple[ndarray, ndarray]]): keys uint64 or int64 (its bits) [R_i], and rows float [R_i, K] of any
            array with rows, such as a memory map; no key occurs twice.
        default (ndarray | None): the row [K] of keys that are not here; None for zeros.
        dtype (str): of the rows in the file, float32 or float16.

    Returns:
        dict: `size` and `sha256`, the entry of a manifest.

    Raises:
        ValueError: shapes do not fit, or a key occurs twice.
        DataError: a row is not finite, as of a model that diverged, or does not fit float16.
    """
    path, width = Path(path), widths(parts)
    keys = np.concatenate([bits_of(keys) for keys, _ in parts])
    order, first, bits, longest = arrange(keys)
    default = np.zeros(width, "<f4") if default is None else np.asarray(default, "<f4")
    if default.shape != (width,) or not np.isfinite(default).all():
        raise ValueError(f"{path}: default has the shape {list(default.shape)}; it takes {width} finite numbers")
    sizes = [first.nbytes, keys.nbytes, len(keys) * width * np.dtype(dtype).itemsize, default.nbytes]
    begins = [HEADER_SIZE]
    for size in sizes:
        begins.append(-(-(begins[-1] + size) // ALIGNED) * ALIGNED)
    total = begins[4] + DIGEST
    header = HEADER.pack(
        *(MAGIC, VERSION, TYPES[dtype], len(keys), width, bits, longest, 0, *begins[:4], total),
    )
    header = (header + hashlib.sha256(header).digest()).ljust(HEADER_SIZE, b"\0")
    bodies = [[first], [keys[order]], gathered(parts, order, width, dtype, path), [default]]
    draft = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        entry = write_file(draft, with_digest([header], bodies, begins))
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return entry


def widths(parts):
    """The K of all parts; raises ValueError where they differ or keys and rows are not of one number."""
    shapes = [(np.shape(keys), np.shape(rows)) for keys, rows in parts]
    wrong = [(k, r) for k, r in shapes if len(k) != 1 or len(r) != 2 or k[0] != r[0] or r[1:] != shapes[0][1][1:]]
    if not shapes or wrong or not shapes[0][1][1]:
        raise ValueError(f"parts are keys [R] and rows [R, K] of one K above 0, not {wrong or shapes}")
    return shapes[0][1][1]


def bits_of(keys):
    """The bits of keys int64 or uint64, as uint64; raises ValueError for other types."""
    keys = np.ascontiguousarray(keys)
    if keys.dtype.kind not in "iu" or keys.dtype.itemsize != 8:
        raise ValueError(f"keys are int64 or uint64, not {keys.dtype}")
    return keys.view("<u8")


def arrange(keys):
    """(order of the keys by hash, `first`, its bits, the longest run); raises ValueError for a key that is twice."""
    if len(keys) > MOST_ROWS:
        raise ValueError(f"{len(keys)} rows; a file holds {MOST_ROWS} at most")
    hashes = splitmix64(keys)
    order = np.argsort(hashes)
    hashes = hashes[order]
    twice = np.flatnonzero(hashes[1:] == hashes[:-1])  # the hash is a bijection
    if len(twice):
        raise ValueError(f"the key {keys[order[twice[0]]]} occurs twice ({len(twice)} such keys)")
    bits = max(1, len(keys).bit_length())
    first = np.searchsorted(hashes, np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits))
    first = np.append(first, len(keys)).astype("<u4")
    return order, first, bits, int(np.diff(first).max())


def gathered(parts, order, width, dtype, path):
    """Yields the rows of the parts in an order, some at a time; raises DataError for what is not finite."""
    ends = np.cumsum([len(keys) for keys, _ in parts])
    for begin in range(0, len(order), CHUNK):
        places = order[begin : begin + CHUNK]
        owner = np.searchsorted(ends, places, "right")
        rows = np.empty((len(places), width), f"<{np.dtype(dtype).str[1:]}")
        for number in np.unique(owner):
            mine = owner == number
            start = ends[number] - len(parts[number][0])
            with np.errstate(over="ignore"):  # found below
                rows[mine] = parts[number][1][places[mine] - start]
        if not np.isfinite(rows).all():
            count = np.count_nonzero(~np.isfinite(rows).all(1))
            raise DataError(f"{path}: {count} of the rows are NaN, infinite or too large for {dtype}; not written")
        yield rows


def with_digest(pieces, bodies, begins):
    """Yields the bytes of a file: header, parts with zeros between them, and the digest of all of it."""
    digest = hashlib.sha256()
    for number, body in enumerate([pieces, *bodies]):
        size = 0
        for piece in body:
            data = memoryview(piece).cast("B") if len(piece) else b""
            digest.update(data)
            size += len(data)
            yield data
        begin = begins[number - 1] if number else 0
        gap = bytes(begins[number] - begin - size)
        digest.update(gap)
        yield gap
    yield digest.digest()


class KeyedRows:
    """A file of rows, mapped into memory: processes on one machine share it, and opening it reads almost nothing.

    Attributes:
        width (int): K.
        default (ndarray): float32 [K], the row of keys that are not here.

    Args:
        path (str | Path): what :func:`write_keyed_rows` wrote.
        verify (bool): read the whole file and compare its digest, where no manifest has done so.
        first (dict | None): `std` and `seed` of the rows of keys that are not here, which follow from the key (see
            :func:`common.table.first_rows.first_rows`); `default` when None.

    Raises:
        EnvironmentProblem: the file is missing, cut, damaged, or of another version.
    """

    def __init__(self, path, verify=False, first=None):
        self.path, self.drawn = Path(path), first
        try:
            check_regular(self.path)
            with open(self.path, "rb") as file:
                header, size = file.read(HEADER_SIZE), os.fstat(file.fileno()).st_size
                described = self.described(header, size)
                memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        except OSError as error:
            raise EnvironmentProblem(f"{self.path}: {error.strerror}") from None
        kind, self.count, self.width, bits, self.longest, begins = described
        if verify and hashlib.sha256(memoryview(memory)[:-DIGEST]).digest() != memory[-DIGEST:]:
            raise EnvironmentProblem(f"{self.path}: does not match its own digest, the file is damaged")
        self.shift, self.steps = np.uint64(64 - bits), np.arange(min(self.longest, WINDOW))
        self.first = np.frombuffer(memory, "<u4", (1 << bits) + 1, begins[0])
        self.keys = np.frombuffer(memory, "<u8", self.count, begins[1])
        rows = np.frombuffer(memory, ("<f4", "<f2")[kind], self.count * self.width, begins[2])
        self.rows = rows.reshape(self.count, self.width)
        self.default = np.frombuffer(memory, "<f4", self.width, begins[3])

    def __len__(self):
        return self.count

    def described(self, header, size):
        """(type, R, K, b, longest run, begins) of a header; raises EnvironmentProblem."""
        if header[: len(MAGIC)] != MAGIC:
            raise EnvironmentProblem(f"{self.path}: no file of rows by keys")
        described = header[: HEADER.size]
        if (
            len(header) < HEADER_SIZE
            or header[HEADER.size : HEADER.size + DIGEST] != hashlib.sha256(described).digest()
        ):
            raise EnvironmentProblem(f"{self.path}: its header is damaged")
        _, version, kind, count, width, bits, longest, _, *begins, total = HEADER.unpack(described)
        if version != VERSION:
            raise EnvironmentProblem(f"{self.path}: version {version}, this one reads {VERSION}")
        if size != total:
            raise EnvironmentProblem(f"{self.path}: {size} bytes, but {total} were written")
        sizes = [4 * ((1 << bits) + 1), 8 * count, (4, 2)[kind & 1] * count * width, 4 * width]
        fits = all(begin % ALIGNED == 0 and begin + size <= total for begin, size in zip(begins, sizes))
        if not (fits and kind < 2 and width and 1 <= bits <= 32 and count <= MOST_ROWS and begins[0] >= HEADER_SIZE):
            raise EnvironmentProblem(f"{self.path}: its header contradicts itself")
        return kind, count, width, bits, longest, begins

    def places(self, keys):
        """The places of keys int64 or uint64 [...] in the file, int64 [...]; -1 for those that are not here."""
        keys = bits_of(keys)
        flat = keys.reshape(-1)
        if not self.count:
            return np.full(keys.shape, -1, np.int64)
        bucket = splitmix64(flat) >> self.shift
        at, last = self.first[bucket].astype(np.int64), self.count - 1
        if len(flat) * self.longest <= WINDOW:  # in few calls: all keys of each bucket at once
            inside = self.keys[np.minimum(at[:, None] + self.steps, last)] == flat[:, None]
            at += inside.argmax(1)
            at[~inside.any(1)] = -1
            return at.reshape(keys.shape)
        hit = self.keys[np.minimum(at, last)] == flat
        left = np.flatnonzero(~hit)
        if len(left):
            end, at[left] = self.first[bucket[left] + np.uint64(1)], at[left] + 1
            for _ in range(self.longest):
                inside = at[left] < end
                left, end = left[inside], end[inside]
                if not len(left):
                    break
                found = self.keys[at[left]] == flat[left]
                hit[left[found]] = True
                left, end = left[~found], end[~found]
                at[left] += 1
        at[~hit] = -1
        return at.reshape(keys.shape)

    def look_up(self, keys):
        """The rows of keys int64 or uint64 [...], float32 [..., K]; the first ones for keys that are not here."""
        at = self.places(keys)
        missing = at < 0
        if not self.count:
            return self.rows_of_others(bits_of(keys).reshape(-1)).reshape(*at.shape, self.width)
        found = self.rows.take(at, 0, mode="wrap").astype(np.float32, copy=False)  # -1 is the last row
        if missing.any():
            found[missing] = self.rows_of_others(bits_of(keys)[missing])
        return found

    def rows_of_others(self, keys):
        """The rows float32 [U, K] of keys uint64 [U] that are not in the file."""
        if self.drawn:
            return first_rows(keys, self.width, **self.drawn)
        return np.broadcast_to(self.default, (len(keys), self.width)).copy()
