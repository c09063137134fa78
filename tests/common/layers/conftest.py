import pytest

from common.layers import onednn


@pytest.fixture
def with_onednn(monkeypatch):
    """Nothing in the environment turns oneDNN off; the test is left out where PaddlePaddle came without it."""
    monkeypatch.delenv("KIT_ONEDNN", raising=False)
    if onednn.library() is None:
        pytest.skip("PaddlePaddle came without oneDNN")
