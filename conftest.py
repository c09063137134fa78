"""Where the tests find real data; those that need them are left out where there are none."""

import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from common.system import runtime  # noqa: E402

# sums, and with them the recorded losses, depend on the number of threads: they are those of one
os.environ.setdefault("KIT_THREADS", "1")
# `engine: auto` would convert and measure every export; tests/common/inference/test_fastest.py does
os.environ.setdefault("KIT_ENGINE", "paddle")
runtime.prepare()

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # inherited from nohup or a background job, and by all children
    signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_DATA = ROOT.parent / "shared" / "data"
if REAL_DATA.is_dir():
    os.environ.setdefault("KIT_TEST_DATA", str(REAL_DATA))
