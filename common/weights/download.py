"""Downloading a file: resumable, size-limited, locked between processes, checksum verified before it is renamed."""

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
from common.weights.addresses import MOST_REDIRECTS, RefusedAddress, check_address, resolve_redirect

ATTEMPTS = 5
LARGEST = 8 << 30  # bytes
TIMEOUT = httpx.Timeout(30.0, connect=15.0)


@dataclasses.dataclass(frozen=True)
class Remote:
    """A file to download.

    Args:
        address (str): its HTTPS URL.
        hosts (list[str]): the allowed hosts, for redirects as well.
        sha256 (str | None): the expected checksum; None if it is not published.
        allow_local (bool): see :func:`common.weights.addresses.check_address`.
        largest (int | None): bytes that it may have; None for the limit of all downloads.
    """

    address: str
    hosts: tuple
    sha256: str | None = None
    allow_local: bool = False
    largest: int | None = None

    @property
    def most(self):
        """Bytes that it may have."""
        return self.largest or LARGEST


class TransferInterrupted(Exception):
    """A transfer that ended early and can be resumed."""


def fetch(remote, path, wait=600):
    """Downloads a file once, even if several processes request it at the same time.

    Args:
        remote (Remote): the file to download.
        path (str | Path): the destination, which appears once the file is complete and verified. The partial file
            beside it is `<name>.incomplete`; the next call resumes it.
        wait (float): seconds to wait for another process that is downloading the same file.

    Returns:
        Path: the file.

    Raises:
        RefusedAddress: the URL or a redirect is not allowed.
        EnvironmentProblem: no network, no disk space, or a checksum mismatch.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=wait):
            if not path.is_file():
                if is_offline():
                    raise EnvironmentProblem(f"{remote.address} is not in the cache, and KIT_OFFLINE is set")
                _fetch_locked(remote, path)
    except Timeout:
        raise EnvironmentProblem(f"{path}: another process has been downloading it for {wait:g} s") from None
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
        if attempt == 2 or not resumed:  # the partial file of an earlier call may have been of another version
            raise EnvironmentProblem(
                f"{remote.address}: checksum mismatch: sha256 {found}, expected {remote.sha256}; the file was deleted"
            )
        logger.warning("%s: checksum mismatch after resuming; the file is downloaded again", remote.address)
    os.replace(incomplete, path)
    etag_file(incomplete).unlink(missing_ok=True)


def _transfer(remote, incomplete):
    """Downloads to `incomplete` until the file is complete, with retries."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
                _receive(client, remote, incomplete)
            return
        except (TransferInterrupted, httpx.TransportError) as error:
            reason = str(error) or type(error).__name__
            if attempt == ATTEMPTS:
                raise EnvironmentProblem(
                    f"{remote.address}: interrupted {ATTEMPTS} times ({reason}); the same command resumes from "
                    f"byte {incomplete.stat().st_size if incomplete.exists() else 0:,}"
                ) from error
            logger.warning("%s: %s; retrying", remote.address, reason)
            time.sleep(min(2.0 ** (attempt - 1) * 0.1, 5.0))


def _receive(client, remote, incomplete):
    """One request for the missing part, following redirects; raises TransferInterrupted if it ends early."""
    address, start = remote.address, incomplete.stat().st_size if incomplete.exists() else 0
    check_address(address, remote.hosts, remote.allow_local)
    for _ in range(MOST_REDIRECTS + 1):
        with client.stream("GET", address, headers=range_headers(incomplete, start)) as response:
            if response.is_redirect:
                location = response.headers.get("location", "")
                address = resolve_redirect(address, location, remote.hosts, remote.allow_local)
                continue
            _store(response, remote, incomplete, start)
            return
    raise RefusedAddress(f"{remote.address}: redirected more than {MOST_REDIRECTS} times")


def range_headers(incomplete, start):
    """Request headers (Range, If-Range) for the rest of a partial file, provided the server's version is unchanged."""
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if etag_file(incomplete).is_file():
            headers["If-Range"] = etag_file(incomplete).read_text(encoding="ascii")
    return headers


def etag_file(incomplete):
    """The file beside a partial file that stores the ETag of its version."""
    return incomplete.with_name(f"{incomplete.name}.version")


def _store(response, remote, incomplete, start):
    """Appends the body of a response, or starts over if the server sends the whole file."""
    span = response.headers.get("content-range", "")
    if response.status_code == 416 and span == f"bytes */{start}":
        return  # the file was complete already
    if response.status_code == 416 or (response.status_code == 206 and not span.startswith(f"bytes {start}-")):
        incomplete.unlink(missing_ok=True)
        raise TransferInterrupted("the server does not have the requested byte range")
    if response.status_code not in (200, 206):
        transient = response.status_code >= 500 or response.status_code in (408, 429)
        kind = TransferInterrupted if transient else EnvironmentProblem
        raise kind(f"{remote.address}: the server returned {response.status_code} {response.reason_phrase}")
    start = start if response.status_code == 206 else 0
    length, whole = response.headers.get("content-length", ""), span.rpartition("/")[2]
    total = start + int(length) if length.isdigit() else None
    if start and whole.isdigit():
        total = int(whole)  # a server may send less than the requested range
    check_size(remote, incomplete, total, start)
    if not start:
        save_etag(incomplete, response.headers.get("etag", ""))
    with open(incomplete, "r+b" if start else "wb") as file:
        file.seek(start)
        have = _copy(response, remote, file, start, total)
        file.truncate()
        os.fsync(file.fileno())
    if total is not None and have < total:
        raise TransferInterrupted(f"ended after {have:,} of {total:,} bytes")


def save_etag(incomplete, etag):
    """Stores a strong ETag for requests that resume this file."""
    if etag.startswith('"') and etag.isascii():
        etag_file(incomplete).write_text(etag, encoding="ascii")
    else:
        etag_file(incomplete).unlink(missing_ok=True)


def _copy(response, remote, file, have, total):
    """Writes the body to the file, logging progress; returns the size of the file."""
    logged = time.monotonic()
    for piece in response.iter_raw():
        have += len(piece)
        if have > (remote.most if total is None else total):
            raise EnvironmentProblem(
                f"{remote.address}: sends more than the {total or remote.most:,} bytes it announced"
            )
        file.write(piece)
        if time.monotonic() - logged > 2 and total:
            logged = time.monotonic()
            logger.info("%s: %d of %d MB", Path(remote.address).name, have >> 20, total >> 20)
    return have


def check_size(remote, incomplete, total, start):
    """Refuses a file that exceeds the size limit or the free disk space."""
    if total is None:
        return
    if total > remote.most:
        raise EnvironmentProblem(f"{remote.address}: announces {total:,} bytes, more than the {remote.most:,} allowed")
    free = shutil.disk_usage(incomplete.parent).free
    if total - start > free:
        raise EnvironmentProblem(
            f"{incomplete.parent}: {total - start:,} bytes are needed, {free:,} are free\n"
            "  fix: free disk space, or set KIT_HOME to a folder on another disk"
        )


def sha256_of(path):
    """The SHA-256 checksum of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder():
    """The folder for downloaded files (Path): KIT_HOME, otherwise `paddle-kits` in the user's cache."""
    if os.environ.get("KIT_HOME"):
        return Path(os.environ["KIT_HOME"])
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "paddle-kits"


def is_offline():
    """True if KIT_OFFLINE forbids downloads."""
    return os.environ.get("KIT_OFFLINE", "").lower() not in ("", "0", "false", "no")
