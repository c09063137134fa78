"""A program whose data loading fails: `python loader_cases.py CASE WORKERS`. It prints the pids of its workers, then
the number of each batch; an error ends it with its message and exit code. It does not import paddle."""

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

import numpy as np

from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler
from common.data.transform import Transform
from common.errors import KitError

BAD = 21


def fall_asleep():
    time.sleep(1000)


def spin():
    while True:
        pass


def be_segfaulted():
    os.kill(os.getpid(), signal.SIGSEGV)


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


def be_killed_with_a_child():
    if os.fork() == 0:
        time.sleep(4)  # holds the worker's pipes open
        os._exit(0)
    be_killed()


def leave():
    os._exit(7)


def be_stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


def fail():
    raise ValueError("the fourth byte is odd")


HAPPENINGS = {
    "raise": fail,
    "sleep": fall_asleep,
    "spin": spin,
    "segfault": be_segfaulted,
    "kill": be_killed,
    "fork": be_killed_with_a_child,
    "exit": leave,
    "sigstop": be_stopped,
    "slow": lambda: time.sleep(0.2),
    "busy": lambda: None,
    "leave": lambda: None,
    "crash": lambda: None,
}


class Images:
    def __len__(self):
        return 64

    def __getitem__(self, index):
        return {"path": f"images/{index:04}.jpg", "index": index}


class Happen(Transform):
    """Triggers the case at one sample."""

    def __init__(self, case):
        self.case = case

    def __call__(self, sample, rng):
        sample["image"] = rng.random((3, 32, 32), dtype=np.float32)
        if sample["index"] == BAD or self.case == "slow":
            HAPPENINGS[self.case]()
        return sample


def main(case, workers, watchdog):
    sampler = EpochSampler(64, 4, shuffle=False)
    loader = Loader(Images(), Pipeline([Happen(case)]), sampler, workers, watchdog=watchdog)
    for epoch in range(1000 if case in ("slow", "busy") else 1):
        for step, _ in enumerate(loader.epoch(epoch)):
            if step == 0:
                print("pids", *loader.worker_pids, flush=True)
            print(step, flush=True)
            if case == "busy" and step == 3:
                time.sleep(1000)
            if case == "leave" and step == 3:
                return
            if case == "crash" and step == 3:
                raise RuntimeError("the loop fails")


if __name__ == "__main__":
    begun = time.monotonic()
    try:
        main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    except KitError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
