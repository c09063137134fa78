"""Models that the tests of the server ask."""

import importlib.util

import pytest

from tests.deploy.tensor_export import export_layer

if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn", "prometheus_client")):
    collect_ignore_glob = ["test_serving*.py"]  # pip install -r deploy/serving/requirements.txt


@pytest.fixture(scope="session")
def numbers(tmp_path_factory):
    """A folder with the versions 1 and 2 of a model of tensors: y = x + 1 and y = x + 2. Not to be changed."""
    from common import runtime

    runtime.prepare()
    import paddle

    class Plus(paddle.nn.Layer):
        def __init__(self, version):
            super().__init__()
            start = paddle.nn.initializer.Constant(float(version))
            self.more = self.create_parameter([1], default_initializer=start)

        def forward(self, x):
            return x + self.more

    folder = tmp_path_factory.mktemp("numbers")
    for version in (1, 2):
        export_layer(Plus(version), folder / str(version), [-1, 1])
    return folder
