"""Where the tests find real data; they are left out where there is none."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from common import runtime  # noqa: E402

runtime.prepare()


@pytest.fixture(scope="session")
def real_data():
    """The folder of small real data sets: KIT_TEST_DATA, or `shared/data` beside the repository."""
    folder = pathlib.Path(os.environ.get("KIT_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data sets here (KIT_TEST_DATA names their folder)")
    return folder
