"""Two processes of which rank 1 fails in the way that the argument says, while rank 0 waits for it or works on."""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import numpy as np

from common.commands.main import print_error
from common.errors import DataError, KitError
from common.system import distributed


def steps(way):
    """Sums over both processes, until something happens at the 50th."""
    for step in range(100_000):
        distributed.all_reduce_sum(np.ones(3, "float32"))
        if step == 50 and distributed.rank() == 1:
            if way == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise (
                DataError("error[D101] this is not an image\n  data/images/0007.jpg") if way != "bug" else KeyError(way)
            )
        if step == 50 and way == "busy":
            time.sleep(60)


try:
    distributed.initialize()
    with distributed.report_failure():
        steps(sys.argv[1])
except KitError as error:
    print_error(error)
    sys.exit(error.exit_code)
