"""The C++ program, built once for all tests that run it, and models that tests of the server ask."""

import contextlib
import dataclasses
import fcntl
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from common.config.kits import ROOT
from tests.deploy.tensor_export import export_layer
from tests.made.commands import Answer

SOURCES = ROOT / "deploy/cpp"
BUILD = SOURCES / "build"
RELEASE = ("-DKIT_SANITIZE=OFF", "-DKIT_TESTS=ON")
LIBRARIES = "what the C++ program needs is not here: {}\n(KIT_REQUIRE_CPP=1 makes this a failure)"

if any(importlib.util.find_spec(name) is None for name in ("starlette", "uvicorn", "prometheus_client")):
    collect_ignore_glob = ["test_serving*.py"]  # pip install -r deploy/serving/requirements.txt


def configure(build, *options):
    """Runs CMake on the sources; its CompletedProcess."""
    command = ["cmake", "-S", SOURCES, "-B", build, f"-DKIT_PYTHON={sys.executable}", *options]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120)


def compiled(build, *targets):
    """Builds targets, all without names; raises AssertionError with what the compiler said."""
    wanted = ["--target", *targets] if targets else []
    command = ["cmake", "--build", str(build), "--parallel", "2", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def built(build, *options):
    """Configures and builds under a lock, for pytest may run in several processes; skips without a tool chain."""
    problem = (
        None if shutil.which("cmake") and shutil.which("c++") else "cmake or a C++ compiler: apt-get install cmake g++"
    )
    if not problem:
        build.mkdir(parents=True, exist_ok=True)
        with open(build / ".lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = configure(build, *options)
            if done.returncode == 0:
                compiled(build)
                return build
        problem = done.stderr[-1500:]
    if os.environ.get("KIT_REQUIRE_CPP") == "1" or "apt-get install" not in problem:
        pytest.fail(problem)
    pytest.skip(LIBRARIES.format(problem))


def pytest_collection_finish(session):
    """Builds the program before the first test, so that no test's time limit holds the compiler."""
    needed = any("program" in getattr(item, "fixturenames", ()) for item in session.items)
    if needed and not session.config.option.collectonly:
        with contextlib.suppress(pytest.skip.Exception, pytest.fail.Exception, AssertionError):  # the fixture tells
            built(BUILD, *RELEASE)


@dataclasses.dataclass
class Program:
    """kit_infer, as a user runs it.

    Args:
        build (Path): the folder of the build.
    """

    build: pathlib.Path

    def __call__(self, *arguments, stdin=b"", name="kit_infer", **environment):
        command = [str(self.build / name), *map(str, arguments)]
        variables = {**os.environ, **environment}
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=240, env=variables, cwd=ROOT)
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture(scope="session")
def program():
    """The release build."""
    return Program(built(BUILD, *RELEASE))


@pytest.fixture(scope="session")
def numbers(tmp_path_factory):
    """A folder with the versions 1 and 2 of a model of tensors: y = x + 1 and y = x + 2. Not to be changed."""
    from common.system import runtime

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
