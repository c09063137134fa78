"""Downloads from servers that interrupt transfers, send wrong data and redirect."""

import hashlib
import socket
import threading

import numpy as np
import pytest

from common.errors import EnvironmentProblem
from common.weights import addresses, download
from common.weights.addresses import RefusedAddress
from common.weights.download import Remote, fetch
from tests.common.weights.lying_server import serving

BODY = np.random.default_rng(0).bytes(300_000)
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    monkeypatch.delenv("KIT_OFFLINE", raising=False)
    with serving(BODY) as running:
        yield running


def remote(server, sha256=SHA, address=None):
    return Remote(address or server.address, ("127.0.0.1",), sha256, allow_local=True)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_is_downloaded_once(server, tmp_path):
    path = tmp_path / "deep" / "w.pdparams"
    for _ in range(2):
        assert fetch(remote(server), path).read_bytes() == BODY
    assert len(server.asked) == 1 and leftovers(path.parent) == ["w.pdparams"]


def test_an_interrupted_download_is_resumed(server, tmp_path):
    server.breaks_after = [100_000, 50_000]
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert {version for _, _, version in server.asked[1:]} == {'"one"'}


def test_a_later_call_resumes_a_partial_file(server, tmp_path):
    server.breaks_after = [1000] * download.ATTEMPTS
    with pytest.raises(EnvironmentProblem, match=r"interrupted 5 times.*resumes from byte 5,000"):
        fetch(remote(server), tmp_path / "w")
    assert leftovers(tmp_path) == ["w.incomplete", "w.incomplete.version"]
    server.asked.clear()
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert server.asked[0][1] == "bytes=5000-" and leftovers(tmp_path) == ["w"]


def test_ranges_are_requested_until_the_file_is_complete(server, tmp_path):
    server.breaks_after, server.part = [100_000], 150_000
    assert fetch(remote(server, sha256=None), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == [None, "bytes=100000-", "bytes=250000-"]


def test_without_range_support_the_whole_file_is_requested_again(server, tmp_path):
    server.ranges, server.breaks_after = False, [100_000]
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY


def test_a_file_that_changed_on_the_server_is_not_pieced_together(server, tmp_path):
    server.breaks_after = [1000] * download.ATTEMPTS
    with pytest.raises(EnvironmentProblem):
        fetch(remote(server, sha256=None), tmp_path / "w")
    server.etag, server.body = '"two"', BODY[::-1]
    assert fetch(remote(server, sha256=None), tmp_path / "w").read_bytes() == BODY[::-1]


def test_a_partial_file_of_another_version_is_detected_by_checksum_and_downloaded_again(server, tmp_path):
    server.etag = ""
    (tmp_path / "w.incomplete").write_bytes(b"of another version")
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == ["bytes=18-", None]


def test_a_complete_partial_file_is_verified_and_renamed(server, tmp_path):
    (tmp_path / "w.incomplete").write_bytes(BODY)
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert server.asked == [("/weights.pdparams", f"bytes={len(BODY)}-", None)]


def test_a_file_with_a_wrong_checksum_is_deleted(server, tmp_path):
    server.body = BODY[:-1] + b"!"
    with pytest.raises(EnvironmentProblem, match=f"checksum mismatch: sha256 .* expected {SHA}"):
        fetch(remote(server), tmp_path / "w")
    assert leftovers(tmp_path) in ([], ["w.incomplete.version"])


def test_a_response_shorter_than_its_content_length_is_an_error(server, tmp_path):
    server.announced, server.ranges = len(BODY) + 5, False
    with pytest.raises(EnvironmentProblem, match="interrupted"):
        fetch(remote(server, sha256=None), tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_file_over_the_size_limit_is_refused_before_the_transfer(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1000)
    with pytest.raises(EnvironmentProblem, match="announces 300,000 bytes"):
        fetch(remote(server), tmp_path / "w")


def test_a_file_larger_than_the_free_disk_space_is_refused(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(EnvironmentProblem, match="300,000 bytes are needed, 10 are free"):
        fetch(remote(server), tmp_path / "w")


@pytest.mark.parametrize("status", [404, 403])
def test_client_errors_are_not_retried(server, tmp_path, status):
    server.statuses = [status]
    with pytest.raises(EnvironmentProblem, match=f"the server returned {status}"):
        fetch(remote(server), tmp_path / "w")
    assert len(server.asked) == 1


def test_transient_server_errors_are_retried(server, tmp_path):
    server.statuses = [503, 429]
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY


def test_a_redirect_on_the_same_host_is_followed(server, tmp_path):
    server.location = "/end"
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://example.com/w", "example.com is not a host of the index"),
        ("http://169.254.169.254/latest", "169.254.169.254 is not a host"),
        ("file:///etc/passwd", "over https only"),
        ("ftp://127.0.0.1/w", "over https only"),
        ("http://a:b@127.0.0.1/w", "must not contain a user name"),
        ("/again", "redirected more than 5 times"),
    ],
)
def test_a_redirect_to_another_host_is_refused(server, tmp_path, location, words):
    server.location = location
    with pytest.raises(RefusedAddress, match=words):
        fetch(remote(server), tmp_path / "w")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1%eth0"])
def test_a_host_with_a_private_address_is_refused(monkeypatch, inside):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (inside, 443))])
    with pytest.raises(RefusedAddress, match="not a public address"):
        addresses.check_address("https://weights.example/w", ("weights.example",))


def test_http_is_refused():
    with pytest.raises(RefusedAddress, match="https only"):
        addresses.check_address("http://weights.example/w", ("weights.example",))


def test_offline_only_cached_files_are_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    with pytest.raises(EnvironmentProblem, match="KIT_OFFLINE"):
        fetch(remote(server), tmp_path / "w")
    (tmp_path / "w").write_bytes(b"here")
    assert fetch(remote(server), tmp_path / "w").read_bytes() == b"here" and server.asked == []


def test_concurrent_requests_download_a_file_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(remote(server), tmp_path / "w")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1 and (tmp_path / "w").read_bytes() == BODY
