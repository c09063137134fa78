"""Fetching a file from servers that break off, lie and redirect."""

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


def left_over(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_file_comes_whole_and_is_fetched_once(server, tmp_path):
    path = tmp_path / "deep" / "w.pdparams"
    for _ in range(2):
        assert fetch(remote(server), path).read_bytes() == BODY
    assert len(server.asked) == 1 and left_over(path.parent) == ["w.pdparams"]


def test_what_breaks_off_goes_on_where_it_ended(server, tmp_path):
    server.breaks_after = [100_000, 50_000]
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == [None, "bytes=100000-", "bytes=150000-"]
    assert {version for _, _, version in server.asked[1:]} == {'"one"'}


def test_a_later_call_goes_on_with_what_an_earlier_one_left(server, tmp_path):
    server.breaks_after = [1000] * download.ATTEMPTS
    with pytest.raises(EnvironmentProblem, match=r"broke off 5 times.*goes on from byte 5,000"):
        fetch(remote(server), tmp_path / "w")
    assert left_over(tmp_path) == ["w.incomplete", "w.incomplete.version"]
    server.asked.clear()
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert server.asked[0][1] == "bytes=5000-" and left_over(tmp_path) == ["w"]


def test_a_server_that_sends_the_rest_in_parts_is_asked_for_all_of_them(server, tmp_path):
    server.breaks_after, server.part = [100_000], 150_000
    assert fetch(remote(server, sha256=None), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == [None, "bytes=100000-", "bytes=250000-"]


def test_a_server_without_ranges_is_asked_for_the_whole_again(server, tmp_path):
    server.ranges, server.breaks_after = False, [100_000]
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY


def test_a_file_that_changed_on_the_server_is_not_pieced_together(server, tmp_path):
    server.breaks_after = [1000] * download.ATTEMPTS
    with pytest.raises(EnvironmentProblem):
        fetch(remote(server, sha256=None), tmp_path / "w")
    server.etag, server.body = '"two"', BODY[::-1]
    assert fetch(remote(server, sha256=None), tmp_path / "w").read_bytes() == BODY[::-1]


def test_parts_of_another_version_are_noticed_by_their_checksum_and_fetched_anew(server, tmp_path):
    server.etag = ""
    (tmp_path / "w.incomplete").write_bytes(b"of another version")
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert [given for _, given, _ in server.asked] == ["bytes=18-", None]


def test_a_whole_file_that_only_lacked_its_name_is_checked_and_named(server, tmp_path):
    (tmp_path / "w.incomplete").write_bytes(BODY)
    assert fetch(remote(server), tmp_path / "w").read_bytes() == BODY
    assert server.asked == [("/weights.pdparams", f"bytes={len(BODY)}-", None)]


def test_another_file_than_the_published_one_is_not_kept(server, tmp_path):
    server.body = BODY[:-1] + b"!"
    with pytest.raises(EnvironmentProblem, match=f"not what was published: sha256 .* expected {SHA}"):
        fetch(remote(server), tmp_path / "w")
    assert left_over(tmp_path) in ([], ["w.incomplete.version"])


def test_a_server_that_sends_less_than_it_announces_is_noticed(server, tmp_path):
    server.announced, server.ranges = len(BODY) + 5, False
    with pytest.raises(EnvironmentProblem, match="broke off"):
        fetch(remote(server, sha256=None), tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_more_than_can_be_of_any_use_is_refused_before_it_is_sent(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 1000)
    with pytest.raises(EnvironmentProblem, match="announces 300,000 bytes"):
        fetch(remote(server), tmp_path / "w")


def test_a_file_that_the_disk_cannot_hold_is_refused_with_both_numbers(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(EnvironmentProblem, match="300,000 bytes are needed, 10 are free"):
        fetch(remote(server), tmp_path / "w")


@pytest.mark.parametrize("status", [404, 403])
def test_what_the_server_refuses_is_said_at_once(server, tmp_path, status):
    server.statuses = [status]
    with pytest.raises(EnvironmentProblem, match=f"the server answers {status}"):
        fetch(remote(server), tmp_path / "w")
    assert len(server.asked) == 1


def test_a_server_that_is_down_for_a_moment_is_asked_again(server, tmp_path):
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
        ("file:///etc/passwd", "by https only"),
        ("ftp://127.0.0.1/w", "by https only"),
        ("http://a:b@127.0.0.1/w", "must not carry a user name"),
        ("/again", "redirected more than 5 times"),
    ],
)
def test_a_redirect_elsewhere_is_refused(server, tmp_path, location, words):
    server.location = location
    with pytest.raises(RefusedAddress, match=words):
        fetch(remote(server), tmp_path / "w")
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1%eth0"])
def test_a_host_that_leads_into_ones_own_network_is_refused(monkeypatch, inside):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (inside, 443))])
    with pytest.raises(RefusedAddress, match="not on the public network"):
        addresses.check_address("https://weights.example/w", ("weights.example",))


def test_http_is_refused():
    with pytest.raises(RefusedAddress, match="https only"):
        addresses.check_address("http://weights.example/w", ("weights.example",))


def test_offline_nothing_is_asked_but_what_is_here_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    with pytest.raises(EnvironmentProblem, match="KIT_OFFLINE"):
        fetch(remote(server), tmp_path / "w")
    (tmp_path / "w").write_bytes(b"here")
    assert fetch(remote(server), tmp_path / "w").read_bytes() == b"here" and server.asked == []


def test_two_that_want_the_same_file_fetch_it_once(server, tmp_path):
    threads = [threading.Thread(target=fetch, args=(remote(server), tmp_path / "w")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1 and (tmp_path / "w").read_bytes() == BODY
