"""Failures of data loading are reported within seconds and leave no process or file behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "loader_programs" / "loader_cases.py"


class Run:
    """The program in one of its cases."""

    def __init__(self, case, workers, watchdog=0):
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  read when the program has ended
        command = [sys.executable, str(PROGRAM), case, str(workers), str(watchdog)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True, start_new_session=True
        )
        self.pids = [int(pid) for pid in self.process.stdout.readline().split()[1:]]

    def end(self, within):
        """Waits for the program; (exit code, output, errors). Its workers must be gone shortly after it."""
        try:
            code = self.process.wait(within)
        finally:
            self.process.kill()
        gone_by = time.monotonic() + 3
        while any(is_running(pid) for pid in self.pids) and time.monotonic() < gone_by:
            time.sleep(0.05)
        assert [pid for pid in self.pids if is_running(pid)] == []
        self.errors.seek(0)
        return code, self.process.stdout.read(), self.errors.read()


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_raises_is_named_within_5_seconds(workers):
    code, out, err = Run("raise", workers).end(within=5)
    assert code == 3
    assert "images/0021.jpg: sample 21" in err
    assert "ValueError: the fourth byte is odd" in err and "Happen" in err
    assert "Traceback" not in err and len(err.splitlines()) <= 12
    assert out.split() == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    "case, cause", [("kill", "SIGKILL"), ("segfault", "SIGSEGV"), ("exit", "exit code 7")], ids=["kill", "segv", "exit"]
)
def test_a_worker_that_dies_is_reported_within_15_seconds(case, cause):
    run = Run(case, 2)
    code, _, err = run.end(within=15)
    assert code == 4
    assert cause in err
    assert f"pid {run.pids[1]}" in err  # batch 5 of samples 20 to 23 is the second worker's
    assert "sample 21 (images/0021.jpg)" in err and "samples 20, 21, 22, 23" in err


def test_a_worker_that_dies_before_its_own_child_is_reported():
    assert "SIGKILL" in Run("fork", 2).end(within=3)[2]


def test_a_segfault_shows_the_python_stack_of_the_worker():
    _, _, err = Run("segfault", 2).end(within=15)
    assert "in be_segfaulted" in err


@pytest.mark.parametrize("case, workers", [("sleep", 0), ("sleep", 2), ("spin", 0), ("spin", 2), ("sigstop", 2)])
def test_a_stall_ends_with_all_stacks_and_exit_code_70(case, workers):
    code, _, err = Run(case, workers, watchdog=1).end(within=10)
    assert code == 70
    assert "no batch for 1 s" in err and "images/0021.jpg" in err
    assert case == "sigstop" or ("fall_asleep" if case == "sleep" else "in spin") in err


@pytest.mark.parametrize(
    "case, workers", [("slow", 0), ("slow", 2), ("sleep", 0), ("sleep", 2), ("busy", 0), ("busy", 2), ("spin", 2)]
)
def test_sigint_ends_the_program_within_3_seconds_in_every_state(case, workers):
    run = Run(case, workers)
    time.sleep(0.4)
    os.killpg(run.process.pid, signal.SIGINT)  # what a terminal does
    code, _, err = run.end(within=3)
    assert code == -signal.SIGINT
    assert err.count("KeyboardInterrupt") == 1  # of the program; the workers say nothing


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
@pytest.mark.parametrize("case", ["slow", "sleep", "busy", "spin"])
def test_no_worker_outlives_a_killed_trainer(case, number):
    run = Run(case, 2)
    time.sleep(0.2)
    run.process.send_signal(number)
    assert run.end(within=5)[0] == -number


@pytest.mark.parametrize("case, code", [("leave", 0), ("crash", 1)])
def test_an_abandoned_epoch_leaves_nothing_behind(case, code):
    assert Run(case, 2).end(within=5)[0] == code


def test_batches_use_anonymous_shared_memory():
    run = Run("slow", 2)
    opened = [os.readlink(link) for pid in run.pids for link in Path(f"/proc/{pid}/fd").iterdir()]
    mapped = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in run.pids)
    run.process.terminate()
    run.end(within=5)
    assert run.pids and not [name for name in opened if name.startswith("/dev/shm")]
    assert "/dev/shm" not in mapped and "/dev/zero (deleted)" in mapped
