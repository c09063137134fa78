"""Packages of modules are unpacked as they were packed; archives made to do harm are refused and leave nothing."""

import gzip
import io
import tarfile

import pytest

from common.errors import EnvironmentProblem
from common.hub.archive import LONGEST_NAME, pack_module, unpack_module


@pytest.fixture
def folder(tmp_path):
    """A folder with two files, one of them in a folder."""
    (tmp_path / "lac" / "inner").mkdir(parents=True)
    (tmp_path / "lac" / "module.yml").write_text("name: lac")
    (tmp_path / "lac" / "inner" / "weights.bin").write_bytes(bytes(range(256)) * 9000)
    return tmp_path / "lac"


def test_a_folder_comes_back_as_it_was_and_the_same_folder_gives_the_same_package(folder, tmp_path):
    first = pack_module(folder, tmp_path / "lac-1.0.phm").read_bytes()
    assert pack_module(folder, tmp_path / "lac-1.0.phm").read_bytes() == first
    found = unpack_module(tmp_path / "lac-1.0.phm", tmp_path / "home" / "lac")
    files = {p.relative_to(found).as_posix(): p.read_bytes() for p in found.rglob("*") if p.is_file()}
    assert files == {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_link_is_not_packed(folder, tmp_path):
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(EnvironmentProblem, match="ordinary files only"):
        pack_module(folder, tmp_path / "a.phm")
    assert not list(tmp_path.glob("*.phm*")) and not list(tmp_path.glob(".a*"))


def member(name, size=0, **fields):
    """An entry of a tar archive."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    for key, value in fields.items():
        setattr(entry, key, value)
    return entry


def archive(*members, data=b""):
    """The bytes of an archive with entries, whose content is zeros."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry in members:
            tar.addfile(entry, io.BytesIO(bytes(entry.size)))
    return gzip.compress(buffer.getvalue() + data)


def huge_header():
    """An archive whose first extended header claims 3 GiB."""
    entry = member("x", 3 << 30, type=tarfile.XHDTYPE)
    return gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16))


GOOD = member("m/a.txt", 3)
ATTACKS = {
    "above": archive(member("m/../../evil", 3)),
    "absolute": archive(member("/etc/evil", 3)),
    "link": archive(GOOD, member("m/link", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "hard_link": archive(GOOD, member("m/link", type=tarfile.LNKTYPE, linkname="m/a.txt")),
    "device": archive(GOOD, member("m/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)),
    "fifo": archive(GOOD, member("m/fifo", type=tarfile.FIFOTYPE)),
    "two_tops": archive(GOOD, member("n/b.txt", 3)),
    "twice": archive(GOOD, member("m/A.TXT", 3)),
    "file_as_top": archive(member("m", 3)),
    "below_a_file": archive(GOOD, member("m/a.txt/b", 3)),
    "backslash": archive(member("m\\..\\evil", 3)),
    "drive": archive(member("m/C:evil", 3)),
    "newline": archive(member("m/a\nb", 3)),
    "dot_at_the_end": archive(member("m/a.", 3)),
    "long_name": archive(member("m/" + "a/" * (LONGEST_NAME // 2) + "b", 3)),
    "bomb": archive(member("m/zeros", 64 << 20)),
    "huge_header": huge_header(),
    "claims_more": gzip.compress(member("m/a", 1 << 40).tobuf(tarfile.PAX_FORMAT)),
    "empty": archive(),
    "no_gzip": b"hello",
    "nothing": b"",
    "no_tar": gzip.compress(b"hello" * 1000),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_archive_made_to_do_harm_is_refused_and_nothing_is_written(tmp_path, name):
    package = tmp_path / "m.phm"
    package.write_bytes(ATTACKS[name])
    with pytest.raises(EnvironmentProblem, match=r"m\.phm|a\.txt"):
        unpack_module(package, tmp_path / "home" / "m")
    assert not list((tmp_path / "home").rglob("*"))


def test_a_package_that_is_cut_anywhere_is_refused(folder, tmp_path):
    data = pack_module(folder, tmp_path / "lac-1.0.phm").read_bytes()
    for end in range(0, len(data) - 8, max(1, len(data) // 40)):
        (tmp_path / "cut.phm").write_bytes(data[:end])
        with pytest.raises(EnvironmentProblem, match=r"cut\.phm"):
            unpack_module(tmp_path / "cut.phm", tmp_path / "home" / "m")
    assert not list((tmp_path / "home").rglob("*"))


@pytest.mark.parametrize("keep", [-4, -8])
def test_a_package_without_its_checksum_is_not_intact(folder, tmp_path, keep):
    package = pack_module(folder, tmp_path / "lac-1.0.phm")
    package.write_bytes(package.read_bytes()[:keep])
    with pytest.raises(EnvironmentProblem, match="not an intact package"):
        unpack_module(package, tmp_path / "home" / "lac")
    assert not (tmp_path / "home" / "lac").exists()
