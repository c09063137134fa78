"""The C++ sources under the address and undefined-behaviour sanitizers (`make cpp-sanitize`)."""

import importlib.util
import pathlib
import subprocess

import pytest

from tests.deploy.conftest import SOURCES, Program, built

# the framework keeps memory on purpose, and its libraries are not instrumented
QUIET = {"ASAN_OPTIONS": "detect_leaks=0:new_delete_type_mismatch=0:alloc_dealloc_mismatch=0"}
LIBRARIES = pathlib.Path(importlib.util.find_spec("paddle").origin).parent / "libs"


@pytest.fixture
def libraries(tmp_path):
    """Where the framework finds its libraries although the sanitizer's dlopen does not look beside the caller.

    Not its BLAS and LAPACK: OpenCV needs the system's.
    """
    for path in LIBRARIES.iterdir():
        if not path.name.startswith(("libblas", "liblapack")):
            (tmp_path / path.name).symlink_to(path)
    return {"LD_LIBRARY_PATH": str(tmp_path)}


@pytest.fixture(scope="module")
def sanitized():
    return Program(built(SOURCES / "build/sanitize", "-DKIT_SANITIZE=ON", "-DCMAKE_BUILD_TYPE=None", "-DKIT_TESTS=ON"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_our_sources_touch_nothing_that_is_not_theirs(sanitized, exported, digits, libraries):
    done = subprocess.run([sanitized.build / "kit_tests"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    folder = digits / "digits/JPEGImages"
    for more in ((), ("--batch", 3, "--workers", 2)):
        answer = sanitized(
            "--model", exported, "--image", folder, "--json", "--out", digits / "drawn", *more, **QUIET, **libraries
        )
        assert answer.code == 0, answer.err[-3000:]
        assert "ERROR: AddressSanitizer" not in answer.err and "runtime error" not in answer.err, answer.err[-3000:]
    assert sanitized("--model", exported, "--golden", **QUIET, **libraries).code == 0
