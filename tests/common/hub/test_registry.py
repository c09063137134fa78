"""Packages of registries are found by name, version and checksum; single files are read, nothing is run."""

import gzip
import hashlib
import io
import lzma
import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import httpx
import pytest

from common.errors import ConfigError, EnvironmentProblem
from common.hub import registry
from common.hub.registry import Package, parse_package, read_members

ROOT = pathlib.Path(__file__).resolve().parents[3]
FILES = {"pkg/model.bin": b"weights" * 100, "pkg/setup.py": b"raise SystemExit"}


def sha(data):
    return hashlib.sha256(data).hexdigest()


WANTED = ["pkg/*.bin"]


def tar_of(files, before=""):
    """The bytes of a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(before + name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def deb_of(name, data):
    """The bytes of a Debian package."""

    def part(name, data):
        return f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)

    return b"!<arch>\n" + part("debian-binary", b"2.0\n") + part("control.tar.xz", b"123") + part(name, data)


def zip_of(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


ARCHIVES = {
    "a.whl": zip_of(FILES),
    "a.tar.gz": gzip.compress(tar_of(FILES)),
    "a.tgz": gzip.compress(tar_of(FILES)),
    "a.deb": deb_of("data.tar.xz", lzma.compress(tar_of(FILES, "./"))),
    "b.deb": deb_of("data.tar.gz", gzip.compress(tar_of(FILES, "./"))),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_only_the_wanted_files_are_read(tmp_path, name):
    (tmp_path / name).write_bytes(ARCHIVES[name])
    assert read_members(tmp_path / name, WANTED) == {"pkg/model.bin": FILES["pkg/model.bin"]}
    for other in ("pkg/other", "*.bin", "model.bin"):
        with pytest.raises(EnvironmentProblem, match="has no file "):
            read_members(tmp_path / name, [other])


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_is_cut_is_refused_or_has_the_right_file(tmp_path, name):
    whole = ARCHIVES[name]
    for end in range(0, len(whole), max(1, len(whole) // 30)):
        (tmp_path / name).write_bytes(whole[:end])
        try:
            assert read_members(tmp_path / name, WANTED) == {"pkg/model.bin": FILES["pkg/model.bin"]}
        except EnvironmentProblem as error:
            assert name in str(error)


def test_a_debian_package_of_another_compression_is_refused(tmp_path):
    (tmp_path / "c.deb").write_bytes(deb_of("data.tar.zst", b"123"))
    with pytest.raises(EnvironmentProblem, match=r"data\.tar\.zst is compressed in a way"):
        read_members(tmp_path / "c.deb", WANTED)


@pytest.mark.parametrize(
    "text", ["lac==2.1.2", "pypi:lac", "pypi:../x==1", "git:lac==1", "pypi:lac==1 --x", "npm:-g==1"]
)
def test_other_references_are_refused(text):
    with pytest.raises(ConfigError, match="REGISTRY:NAME==VERSION"):
        parse_package(text, "0" * 64)


def answers(monkeypatch, status, **content):
    """Lets the index answer so."""

    def get(page, **options):
        return httpx.Response(status, request=httpx.Request("GET", page), **content)

    monkeypatch.setenv("PIP_INDEX_URL", "https://example.org/simple")
    monkeypatch.setattr(registry.httpx, "get", get)


def test_the_index_of_pip_gives_the_address_by_checksum(monkeypatch):
    files = [
        {"url": "../files/a.whl#sha256=1", "hashes": {"sha256": "1" * 64}},
        {"url": "../files/b.tar.gz", "hashes": {"sha256": "2" * 64}},
    ]
    answers(monkeypatch, 200, json={"files": files})
    assert registry.pypi_address(Package("pypi", "A_b", "1", "1" * 64)) == "https://example.org/simple/files/a.whl"
    with pytest.raises(EnvironmentProblem, match="no archive of it with the sha256 333"):
        registry.pypi_address(Package("pypi", "a", "1", "3" * 64))


def test_the_default_index_is_that_of_pip_which_is_not_imported():
    """Pip changes how distutils is found; PaddlePaddle could not be imported behind it."""
    code = (
        "import sys; from common.hub import registry;"
        "registry.client_says = lambda *words, ask=registry.client_says: '' if 'config' in words else ask(*words);"
        "registry.httpx.get = lambda page, **_: sys.exit(f'{page} {\"pip\" in sys.modules}');"
        "registry.pypi_address(registry.Package('pypi', 'a', '1', '0' * 64))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PIP_INDEX_URL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment)
    page, imported = done.stderr.split()
    assert page.startswith("https://") and page.endswith("/simple/a/") and imported == "False"


@pytest.mark.parametrize("status, content, words", [
    (404, {}, "no such package"),
    (503, {}, "cannot be read"),
    (200, {"text": "<html>"}, "cannot be read"),
    (200, {"json": {"files": [1]}}, "cannot be read"),
])  # fmt: skip
def test_an_index_that_does_not_help_is_an_error_of_one_line(monkeypatch, status, content, words):
    answers(monkeypatch, status, **content)
    with pytest.raises(EnvironmentProblem, match=words):
        registry.pypi_address(Package("pypi", "a", "1", "1" * 64))


def test_a_missing_client_is_named(monkeypatch):
    monkeypatch.setattr(registry.shutil, "which", lambda name: None)
    with pytest.raises(EnvironmentProblem, match="npm is needed"):
        registry.npm_address(Package("npm", "@a/b", "1.0", "1" * 64))
    with pytest.raises(EnvironmentProblem, match="apt-get is needed"):
        registry.debian_address(Package("debian", "a", "1.0", "1" * 64))


def test_a_package_in_the_cache_is_not_fetched_again_and_a_changed_one_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.setenv("KIT_OFFLINE", "1")
    package = Package("pypi", "a", "1", sha(b"archive"))
    with pytest.raises(EnvironmentProblem, match="not in the cache, and KIT_OFFLINE is set"):
        package.fetch()
    kept = tmp_path / "packages" / package.sha256[:16] / "a.whl"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"archive")
    assert package.fetch() == kept
    kept.write_bytes(b"another")
    with pytest.raises(EnvironmentProblem, match="is not that of pypi:a==1"):
        package.fetch()
