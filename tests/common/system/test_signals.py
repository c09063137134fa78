"""A signal lets the step finish and the state be saved; a second one ends the process at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LOOP = """
import sys, time, os
{before}
from common.errors import Stopped
from common.system.signals import GracefulStop
try:
    with GracefulStop({arguments}) as stop:
        print("ready", flush=True)
        for step in range(1000):
            {step}
            if stop.requested:
                print("saved", step, flush=True)
                raise Stopped(stop.signal_number, "saved")
except Stopped as error:
    sys.exit(error.exit_code)
"""


def start(step="time.sleep(0.3)", before="", arguments="", env=()):
    code = LOOP.format(step=step, before=before, arguments=arguments)
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**os.environ, **dict(env)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.1)
    return child


def finish(child, timeout=20):
    output, _ = child.communicate(timeout=timeout)
    return child.returncode, output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_step_is_finished_and_the_state_saved(number, code):
    child = start()
    child.send_signal(number)
    assert finish(child) == (code, "saved 0\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_a_long_step_at_once(number, code):
    child = start("time.sleep(60)")
    child.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert child.poll() is None
    child.send_signal(number)
    assert finish(child, 40) == (code, "")  # the step would sleep for longer


def test_a_signal_does_not_break_a_sleep_or_a_read():
    child = start("time.sleep(0.5); os.write(1, b'slept ')")
    child.send_signal(signal.SIGINT)
    assert finish(child) == (130, "slept saved 0\n")


def test_the_three_signals_of_a_launcher_count_as_one():
    child = start("time.sleep(1)", env={"PADDLE_TRAINER_ENDPOINTS": "127.0.0.1:1"}.items())
    for _ in range(3):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.2)
    assert finish(child) == (143, "saved 0\n")


def test_a_second_signal_after_the_block_has_the_same_exit_code():
    child = start("time.sleep(0.1)", before="import atexit; atexit.register(time.sleep, 30)")
    child.send_signal(signal.SIGINT)
    time.sleep(0.6)
    child.send_signal(signal.SIGTERM)
    assert finish(child, 5)[0] == 143


def test_handlers_installed_before_come_back():
    before = "import signal; signal.signal(signal.SIGTERM, lambda *_: os._exit(7))"
    code = (
        f"import os, signal\n{before}\nfrom common.system.signals import GracefulStop\n"
        "with GracefulStop() as stop: pass\nassert not stop.requested\nos.kill(os.getpid(), signal.SIGTERM)\n"
        "import time; time.sleep(5)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, timeout=20).returncode == 7


def test_forked_workers_ignore_ctrl_c_and_their_end_is_not_taken_for_a_signal_to_the_parent():
    before = """
import signal
def fork():
    pid = os.fork()
    if not pid:
        time.sleep(60)
        os._exit(0)
    return pid
"""
    step = (
        "pid = fork(); time.sleep(0.1); os.kill(pid, signal.SIGINT); time.sleep(0.1); "
        "alive = os.waitpid(pid, os.WNOHANG) == (0, 0); os.kill(pid, signal.SIGTERM); "
        "code = os.waitpid(pid, 0)[1]; print(alive, code, stop.requested, flush=True); os._exit(0)"
    )
    assert finish(start(step, before)) == (0, "True 15 False\n")


def test_the_handler_survives_paddle_and_a_long_operator_is_left_at_once():
    before = "import paddle\nx = paddle.ones([3000, 3000])"
    child = start("[paddle.matmul(x, x) for _ in range(100)]", before)
    child.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    assert finish(child) == (143, "")  # nothing was saved: the operators were not waited for


def test_a_signal_is_not_lost_while_nothing_runs_python():
    child = start("time.sleep(0.05)")
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    code, output = finish(child)
    assert code == 143 and output.startswith("saved ")
