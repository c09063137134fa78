"""Fetches one file: resumed where it broke off, never longer than announced, checked before it gets its name."""

import dataclasses
import hashlib
import os
import shutil
import time
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from common.errors import EnvironmentProblem
from common.log import logger
from common.weights.addresses import MOST_REDIRECTS, RefusedAddress, check_address, redirected

ATTEMPTS = 5
LARGEST = 8 << 30  # bytes
TIMEOUT = httpx.Timeout(30.0, connect=15.0)


@dataclasses.dataclass(frozen=True)
class Remote:
    """A file on a server.

    Args:
        address (str): https.
        hosts (list[str]): that may be asked, redirects included.
        sha256 (str | None): of the whole file; None where nobody has published it.
        allow_local (bool): see :func:`common.weights.addresses.check_address`.
    """

    address: str
    hosts: tuple
    sha256: str | None = None
    allow_local: bool = False


class Broken(Exception):
    """A transfer that ended early, and may go on."""


def fetch(remote, path, wait=600):
    """Brings a file here; two processes that want the same one fetch it once.

    Args:
        remote (Remote): what to fetch.
        path (str | Path): where to; nothing appears there before it is whole and checked. What has come of it stands
            beside it as `<name>.incomplete`, and the next call goes on from there.
        wait (float): seconds to wait for another process that is fetching it.

    Returns:
        Path: the file.

    Raises:
        RefusedAddress: the address, or one that it redirects to, must not be touched.
        EnvironmentProblem: no network, no space, or the file that came is not the one that was published.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=wait):
            if not path.is_file():
                if is_offline():
                    raise EnvironmentProblem(f"{remote.address} is not here yet, and KIT_OFFLINE forbids to fetch it")
                _fetch_locked(remote, path)
    except Timeout:
        raise EnvironmentProblem(f"{path}: another process has been fetching it for {wait:g} s") from None
    except OSError as error:
        raise EnvironmentProblem(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def _fetch_locked(remote, path):
    incomplete = path.with_name(f"{path.name}.incomplete")
    for attempt in (1, 2):
        resumed = incomplete.is_file() and incomplete.stat().st_size > 0
        _transfer(remote, incomplete)
        found = sha256_of(incomplete)
        if remote.sha256 in (None, found):
            break
        incomplete.unlink()
        if attempt == 2 or not resumed:  # what an earlier call left may have been of another version
            raise EnvironmentProblem(
                f"{remote.address}: what came is not what was published: sha256 {found}, expected {remote.sha256}; "
                "nothing was kept"
            )
        logger.warning("%s: the parts do not make up the published file; it is fetched anew", remote.address)
    os.replace(incomplete, path)
    version_of(incomplete).unlink(missing_ok=True)


def _transfer(remote, incomplete):
    """Makes `incomplete` as long as the server says the file is."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
                _receive(client, remote, incomplete)
            return
        except (Broken, httpx.TransportError) as error:
            reason = str(error) or type(error).__name__
            if attempt == ATTEMPTS:
                raise EnvironmentProblem(
                    f"{remote.address}: broke off {ATTEMPTS} times ({reason}); the same command goes on from "
                    f"byte {incomplete.stat().st_size if incomplete.exists() else 0:,}"
                ) from error
            logger.warning("%s: %s; trying again", remote.address, reason)
            time.sleep(min(2.0 ** (attempt - 1) * 0.1, 5.0))


def _receive(client, remote, incomplete):
    """One request from where the file ends, redirects followed; raises Broken when it ends early."""
    address, start = remote.address, incomplete.stat().st_size if incomplete.exists() else 0
    check_address(address, remote.hosts, remote.allow_local)
    for _ in range(MOST_REDIRECTS + 1):
        with client.stream("GET", address, headers=asked(incomplete, start)) as answer:
            if answer.is_redirect:
                address = redirected(address, answer.headers.get("location", ""), remote.hosts, remote.allow_local)
                continue
            _store(answer, remote, incomplete, start)
            return
    raise RefusedAddress(f"{remote.address}: redirected more than {MOST_REDIRECTS} times")


def asked(incomplete, start):
    """The headers of a request for the rest of a file, if it is still the version that the beginning is of."""
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if version_of(incomplete).is_file():
            headers["If-Range"] = version_of(incomplete).read_text(encoding="ascii")
    return headers


def version_of(incomplete):
    """Where the server's name (ETag) of the version that is being fetched is kept."""
    return incomplete.with_name(f"{incomplete.name}.version")


def _store(answer, remote, incomplete, start):
    """Appends the body of an answer, or starts anew where the server sends all of it."""
    span = answer.headers.get("content-range", "")
    if answer.status_code == 416 and span == f"bytes */{start}":
        return  # it was whole already
    if answer.status_code == 416 or (answer.status_code == 206 and not span.startswith(f"bytes {start}-")):
        incomplete.unlink(missing_ok=True)
        raise Broken("the server has no such rest of the file")
    if answer.status_code not in (200, 206):
        transient = answer.status_code >= 500 or answer.status_code in (408, 429)
        kind = Broken if transient else EnvironmentProblem
        raise kind(f"{remote.address}: the server answers {answer.status_code} {answer.reason_phrase}")
    start = start if answer.status_code == 206 else 0
    length, whole = answer.headers.get("content-length", ""), span.rpartition("/")[2]
    total = start + int(length) if length.isdigit() else None
    if start and whole.isdigit():
        total = int(whole)  # a server may send less than the rest it was asked for
    check_size(remote, incomplete, total, start)
    if not start:
        note_version(incomplete, answer.headers.get("etag", ""))
    with open(incomplete, "r+b" if start else "wb") as file:
        file.seek(start)
        have = _copy(answer, remote, file, start, total)
        file.truncate()
        os.fsync(file.fileno())
    if total is not None and have < total:
        raise Broken(f"ended after {have:,} of {total:,} bytes")


def note_version(incomplete, etag):
    """Keeps a strong ETag for the requests that go on with this file."""
    if etag.startswith('"') and etag.isascii():
        version_of(incomplete).write_text(etag, encoding="ascii")
    else:
        version_of(incomplete).unlink(missing_ok=True)


def _copy(answer, remote, file, have, total):
    """Writes what comes; returns how long the file is now."""
    shown = time.monotonic()
    for piece in answer.iter_raw():
        have += len(piece)
        if have > (LARGEST if total is None else total):
            raise EnvironmentProblem(f"{remote.address}: sends more than the {total or LARGEST:,} bytes it announced")
        file.write(piece)
        if time.monotonic() - shown > 2 and total:
            shown = time.monotonic()
            logger.info("%s: %d of %d MB", Path(remote.address).name, have >> 20, total >> 20)
    return have


def check_size(remote, incomplete, total, start):
    """Refuses a file that is too large for anything of this kind, or for the disk."""
    if total is None:
        return
    if total > LARGEST:
        raise EnvironmentProblem(f"{remote.address}: announces {total:,} bytes, more than the {LARGEST:,} allowed")
    free = shutil.disk_usage(incomplete.parent).free
    if total - start > free:
        raise EnvironmentProblem(
            f"{incomplete.parent}: {total - start:,} bytes are needed, {free:,} are free\n"
            "  fix: free some space, or set KIT_HOME to a folder that has it"
        )


def sha256_of(path):
    """The sha256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def home():
    """Where fetched files are kept: KIT_HOME, else `paddle-kits` in the user's cache (Path)."""
    if os.environ.get("KIT_HOME"):
        return Path(os.environ["KIT_HOME"])
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "paddle-kits"


def is_offline():
    """Whether KIT_OFFLINE forbids to fetch anything."""
    return os.environ.get("KIT_OFFLINE", "").lower() not in ("", "0", "false", "no")
