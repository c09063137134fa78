"""Packages of modules, `NAME-VERSION.phm`: gzip-compressed tar archives, read from any source without trusting it.

Written here because `tarfile` bounds neither what a header may claim nor what a small file expands to: only ordinary
files below one folder are accepted, their number, sizes and compression are bounded, headers are short, and nothing
appears at the destination before the whole archive has been read.
"""

import gzip
import io
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from common.errors import EnvironmentProblem
from common.regular import check_regular

MOST_FILES = 10_000
MOST_BYTES = 20 << 30
MOST_EXPANSION = 200  # bytes unpacked for a byte of the package, beside the first 16 MiB
LONGEST_NAME = 240
CHUNK = 1 << 20


class Bounded(io.RawIOBase):
    """An unpacked stream that refuses reads of more than CHUNK bytes and more than `most` bytes in all."""

    def __init__(self, stream, most):
        self.stream, self.most, self.place = stream, most, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self.place

    def seek(self, place, whence=0):
        """Goes on to a place further behind."""
        if whence != 0 or place < self.place:
            raise tarfile.ReadError("the archive is read from front to back")
        while self.place < place:
            if not self.read(min(CHUNK, place - self.place)):
                break
        return self.place

    def read(self, size=-1):
        if not 0 <= size <= CHUNK:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        data = self.stream.read(size)
        self.place += len(data)
        if self.place > self.most:
            raise tarfile.ReadError(f"it unpacks to more than {self.most:,} bytes, a bomb")
        return data


def unpack_module(package, destination):
    """Unpacks a package into a new folder.

    Args:
        package (str | Path): the `.phm` or `.tar.gz` file.
        destination (str | Path): the folder, which must not exist; its parent is created.

    Returns:
        Path: the destination, with what the one top folder of the archive contains.

    Raises:
        EnvironmentProblem: the file cannot be read, or contains anything but ordinary files below one folder; nothing
            is written then.
    """
    package, destination = Path(package), Path(destination)
    try:
        check_regular(package)
        destination.parent.mkdir(parents=True, exist_ok=True)
        if destination.exists():
            raise EnvironmentProblem(f"{destination}: is there already")
        draft = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
        try:
            most = min(MOST_BYTES, (16 << 20) + MOST_EXPANSION * package.stat().st_size)
            with gzip.open(package, "rb") as stream:
                bounded = Bounded(stream, most)
                with tarfile.open(fileobj=bounded, mode="r:") as archive:
                    _extract(archive, draft)
                while bounded.read(CHUNK):  # to the checksum: a damaged header ends an archive early, without an error
                    pass
            draft.chmod(0o755)
            draft.rename(destination)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError) as error:
        raise EnvironmentProblem(f"{package}: refused, not an intact package: {error}") from None
    except OSError as error:
        raise EnvironmentProblem(f"{error.filename or package}: {error.strerror or error}") from None
    return destination


def _extract(archive, folder):
    """Writes the files of an archive to a folder, without its top folder.

    Raises:
        ValueError: a member is no ordinary file or lies outside the top folder.
    """
    seen, top, files = set(), None, 0
    for number, member in enumerate(archive):
        if number >= MOST_FILES:
            raise ValueError(f"more than {MOST_FILES:,} entries")
        parts = checked_parts(member.name)
        top = top or parts[0]
        if parts[0] != top:
            raise ValueError(f"{member.name!r} is not below the folder {top!r}")
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise ValueError(f"{member.name!r} is a link, a device or a sparse file")
        inside = "/".join(parts[1:])
        if not inside:
            raise ValueError(f"{member.name!r} is a file where the top folder was expected")
        if inside.casefold() in seen:
            raise ValueError(f"{member.name!r} is there twice")
        seen.add(inside.casefold())
        path = folder / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.extractfile(member) as source, open(path, "xb") as file:
            left = member.size
            while left:
                data = source.read(min(CHUNK, left))
                if not data:
                    raise ValueError(f"{member.name!r} is truncated")
                file.write(data)
                left -= len(data)
            file.flush()
            os.fsync(file.fileno())
        files += 1
    if not files:
        raise ValueError("there is no file in it")


def checked_parts(name):
    """The parts of a path inside a package: a relative one, without `..`, whose names every file system takes.

    Raises:
        ValueError: it is another one.
    """
    path = PurePosixPath(name)
    odd = any(ord(c) < 32 or c in '\\:*?"<>|' for c in name)
    if odd or not path.parts or path.is_absolute() or ".." in path.parts or len(name) > LONGEST_NAME:
        raise ValueError(f"the name {name[:80]!r}")
    if any(part != part.rstrip(". ") for part in path.parts):
        raise ValueError(f"the name {name[:80]!r}, with a dot or a space at its end")
    return path.parts


def pack_module(folder, package):
    """Packs a folder: the same content gives the same bytes.

    Args:
        folder (str | Path): what is packed, ordinary files only.
        package (str | Path): the file, overwritten atomically; its name without suffix becomes the top folder.

    Raises:
        EnvironmentProblem: a file is a link or a device, or cannot be read or written.
    """
    folder, package = Path(folder), Path(package)
    draft = package.with_name(f".{package.name}.tmp-{os.getpid()}")
    try:
        with open(draft, "xb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for path in sorted(folder.rglob("*")):
                    if path.is_symlink() or not (path.is_file() or path.is_dir()):
                        raise EnvironmentProblem(f"{path}: a package has ordinary files only")
                    if path.is_dir():
                        continue
                    inside = path.relative_to(folder).as_posix()
                    entry = tarfile.TarInfo(f"{package.stem}/{inside}")
                    checked_parts(entry.name)
                    entry.size, entry.mode = path.stat().st_size, 0o644
                    with open(path, "rb") as file:
                        archive.addfile(entry, file)
            stream.close()
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(package)
    except ValueError as error:
        raise EnvironmentProblem(f"{folder}: cannot be packed: {error}") from None
    except OSError as error:
        raise EnvironmentProblem(f"{error.filename or package}: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)
    return package
