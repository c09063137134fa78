"""An index of modules on the net: read from there, kept for times without a network, its packages verified."""

import functools
import hashlib
import json

import pytest

from common.errors import EnvironmentProblem
from common.hub import catalog
from common.hub.catalog import fetch_index, find_offer, read_module_index
from common.weights.addresses import RefusedAddress
from common.weights.download import Remote
from tests.common.weights.lying_server import serving

PACKAGE = b"a package"
ENTRY = {"name": "mine", "version": "1.0.0", "type": "x", "summary": "y", "license": "MIT", "path": "a b/mine.phm",
         "sha256": hashlib.sha256(PACKAGE).hexdigest(), "size": len(PACKAGE)}  # fmt: skip


def body(**changes):
    return json.dumps({"schema": 1, "modules": [ENTRY | changes]}).encode()


@pytest.fixture
def local(tmp_path, monkeypatch):
    """Addresses of this machine are allowed."""
    monkeypatch.setattr(catalog, "Remote", functools.partial(Remote, allow_local=True))
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    monkeypatch.delenv("KIT_OFFLINE", raising=False)
    return tmp_path


def test_an_index_is_read_from_the_net_and_kept_for_times_without_it(local, monkeypatch, caplog):
    with serving(body()) as server:
        (offer,) = read_module_index(server.address)
        base = server.address.rpartition("/")[0]
        assert offer.source.address == f"{base}/a%20b/mine.phm" and offer.source.sha256 == offer.sha256
        assert offer.card().license == "MIT"
        monkeypatch.setenv("KIT_OFFLINE", "1")
        assert find_offer("mine", server.address) == offer and "when it was last downloaded" in caplog.text
        with pytest.raises(EnvironmentProblem, match="KIT_OFFLINE"):
            read_module_index(f"{base}/other.json")


def test_an_index_is_read_again_each_time(local):
    with serving(body()) as server:
        assert read_module_index(server.address)[0].version == "1.0.0"
        server.body = body(version="2.0.0")
        assert read_module_index(server.address)[0].version == "2.0.0"
    assert [path.name for path in local.rglob("indexes/*/*")] == ["index.json"]


def test_a_package_with_another_checksum_is_refused(local):
    with serving(body()) as server:
        (offer,) = read_module_index(server.address)
        server.body = b"another package"
        with pytest.raises(EnvironmentProblem, match="checksum mismatch"):
            offer.package()
        server.body = PACKAGE
        assert offer.package().read_bytes() == PACKAGE


def test_an_index_may_not_be_endless_nor_name_other_places(local, monkeypatch):
    monkeypatch.setattr(catalog, "LARGEST_INDEX", 10)
    with serving(body()) as server, pytest.raises(EnvironmentProblem, match="more than the 10 allowed"):
        fetch_index(server.address)
    monkeypatch.setattr(catalog, "LARGEST_INDEX", 1 << 20)
    with serving(body(path="../x.phm")) as server, pytest.raises(EnvironmentProblem, match="not beside the index"):
        read_module_index(server.address)


def test_an_index_comes_over_https_only():
    with pytest.raises(RefusedAddress, match="https only"):
        fetch_index("http://example.com/index.json")
