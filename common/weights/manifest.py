"""Manifests: the sizes and SHA-256 checksums of a folder's files, which detect damaged or missing files before use.

A flipped bit in a weight file loads silently, and the framework's predictor runs even without its weights; nothing else
detects either.
"""

import hashlib
import json
import os
from pathlib import Path

from common.errors import EnvironmentProblem
from common.regular import check_regular

MANIFEST = "manifest.json"
SCHEMA = 1


class CheckpointError(EnvironmentProblem):
    """An unusable checkpoint or export; the message names the file and the reason."""


def write_file(path, pieces):
    """Writes a new file and flushes it to disk.

    Args:
        path (Path): must not exist.
        pieces (Iterable): bytes-like parts, in order.

    Returns:
        dict: `size` and `sha256`, the file's manifest entry.
    """
    checksum, size = hashlib.sha256(), 0
    with open(path, "xb") as file:
        for piece in pieces:
            file.write(piece)
            checksum.update(piece)
            size += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return {"size": size, "sha256": checksum.hexdigest()}


def flush_folder(path):
    """Flushes the directory entries of a folder to disk, so that they survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_manifest(folder, entries=None, **facts):
    """Writes `manifest.json` and flushes the folder.

    Args:
        folder (Path): the folder to describe.
        entries (dict): file name -> result of :func:`write_file`; if None every file of the folder is read and flushed.
        facts: further JSON values to record.
    """
    folder = Path(folder)
    if entries is None:
        entries = {path.name: _entry_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_file(folder / MANIFEST, [_serialize({"schema": SCHEMA, "files": entries, **facts})])
    flush_folder(folder)


def read_manifest(folder):
    """Reads the manifest of a folder and verifies its own checksum.

    Raises:
        CheckpointError: the manifest is missing, damaged, or of a newer version.
    """
    file = Path(folder) / MANIFEST
    try:
        data = file.read_bytes()
        manifest = json.loads(data)
        if manifest["schema"] > SCHEMA:
            raise CheckpointError(
                f"{file}: written by a newer version (schema {manifest['schema']}, this one reads up to {SCHEMA})"
            )
        if _serialize({key: value for key, value in manifest.items() if key != "sha256"}) != data:
            raise CheckpointError(f"{file}: does not match its own checksum, the file is damaged")
        if any(Path(name).name != name for name in manifest["files"]):
            raise CheckpointError(f"{file}: lists a file outside its folder")
    except FileNotFoundError:
        raise CheckpointError(f"{file}: missing, the folder is not complete") from None
    except OSError as error:
        raise CheckpointError(f"{file}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{file}: not a manifest ({type(error).__name__}: {error})") from None
    return manifest


def read_checked(folder, name, entries):
    """Reads one file and verifies it against the manifest.

    Args:
        folder (Path): the folder.
        name (str): the file.
        entries (dict): `files` of the manifest.

    Raises:
        CheckpointError: the file is missing, damaged or not in the manifest.
    """
    return _checked(folder, name, entries, lambda file: (data := file.read(), hashlib.sha256(data)))[0]


def verify_manifest(folder, without=(), only=None):
    """Verifies the files of a folder against its manifest, however large they are; raises CheckpointError.

    Args:
        folder (Path): the folder.
        without (Iterable[str]): files to leave out.
        only (Iterable[str] | None): files to verify where the manifest names them; all of them when None.
    """
    entries, left = read_manifest(folder)["files"], set(without)
    for name in entries if only is None else [name for name in only if name in entries]:
        if name not in left:
            _checked(folder, name, entries, lambda file: (None, hashlib.file_digest(file, "sha256")))


def _checked(folder, name, entries, read):
    """Reads a file by `read`, which gives (value, digest); raises CheckpointError if it is not as it was written."""
    path = Path(folder) / name
    if name not in entries:
        raise CheckpointError(f"{path}: not in the manifest")
    try:
        size = path.stat().st_size
        if size != entries[name]["size"]:
            raise CheckpointError(f"{path}: {size} bytes, but {entries[name]['size']} were written")
        with open(path, "rb") as file:
            found = read(file)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}") from None
    if found[1].hexdigest() != entries[name]["sha256"]:
        raise CheckpointError(f"{path}: its sha256 is not the one written, the file is damaged or was edited")
    return found


def _entry_of(path):
    check_regular(path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"size": os.fstat(file.fileno()).st_size, "sha256": digest}


def _serialize(fields):
    """Serializes the manifest with its own checksum, in the canonical form that reading requires."""
    checksum = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    return json.dumps({**fields, "sha256": checksum}, indent=1, sort_keys=True).encode() + b"\n"
