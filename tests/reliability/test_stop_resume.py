"""SIGTERM and SIGINT lose no step: the run saves, says so by its exit code, and goes on to the same bits."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from common.weights import checkpoint
from tests.reliability.training_runs import Run, kill_at_a_moment, wait_until


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    run = Run.prepare(tmp_path_factory.mktemp("reference"))
    run.finish()
    return run.fingerprint()


@pytest.mark.timeout(300)
def test_a_run_stopped_by_signals_goes_on_to_the_same_bits(reference, tmp_path):
    run, rng, codes = Run.prepare(tmp_path), np.random.default_rng(3), []
    for number in (signal.SIGTERM, signal.SIGINT):
        codes.append(kill_at_a_moment(run, rng, 0.5, number))
        if codes[-1]:
            state = checkpoint.read_checkpoint(run.folder / "last")[1]
            assert f"at step {state['step']}" in run.said()
    assert codes == [143, 130], run.said()[-2000:]
    run.finish()
    assert run.fingerprint() == reference


@pytest.mark.timeout(300)
def test_a_second_signal_ends_the_run_at_once_and_what_was_saved_still_serves(reference, tmp_path):
    run = Run.prepare(tmp_path)
    process = run.start()
    assert wait_until(lambda: "step_16" in run.files(), process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.06)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (143, -signal.SIGTERM)  # a shell shows both as 143; the latter while Python shuts down
    run.finish()
    assert run.fingerprint() == reference


@pytest.mark.timeout(300)
def test_a_signal_to_the_whole_process_group_stops_the_run_as_one_to_the_run_itself(reference, tmp_path):
    run = Run.prepare(tmp_path)
    process = run.start()
    assert wait_until(lambda: "step_16" in run.files(), process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 2
    for worker in children:
        os.kill(int(worker), signal.SIGTERM)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143, run.said()[-2000:]
    run.finish()
    assert run.fingerprint() == reference


@pytest.mark.timeout(300)
def test_a_damaged_newest_checkpoint_costs_only_the_steps_since_the_one_before(reference, tmp_path):
    run = Run.prepare(tmp_path)
    process = run.start()
    assert wait_until(lambda: "step_32" in run.files(), process)
    process.kill()
    process.wait()
    newest = checkpoint.newest_valid(run.folder)
    data = bytearray((newest / "optimizer.safetensors").read_bytes())
    data[-3] ^= 4
    (newest / "optimizer.safetensors").write_bytes(data)
    run.finish()
    assert f"checkpoint {newest.name} is damaged and is skipped" in run.said()
    assert f"{newest.name}/optimizer.safetensors: its sha256" in run.said()
    assert run.fingerprint() == reference
