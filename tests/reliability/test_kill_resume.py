"""A run that was killed, however often and wherever, ends in the same bits as the run that was not.

The kit beside this file has dropout, augmentation in two workers, momentum, an average of the weights, batch statistics
and an evaluation, so that each of them would show. Taking one of them out of a checkpoint makes the comparison fail.
"""

import concurrent.futures
import signal
import time

import numpy as np
import pytest

from common.weights import checkpoint
from tests.reliability.training_runs import Run, kill_at_a_moment, kill_inside_a_save

KILLS_OF_A_RUN = 3


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """(fingerprint, seconds from the first step to the end) of the run that nobody disturbs."""
    run = Run.prepare(tmp_path_factory.mktemp("reference"))
    process = run.start()
    while run.stamp() is None and process.poll() is None:
        time.sleep(0.01)
    began = time.monotonic()
    assert process.wait(120) == 0, run.said()[-2000:]
    return run.fingerprint(), time.monotonic() - began


def killed_run(place, seed, seconds):
    """A run that is killed up to three times and then left to end: (fingerprint, kills, kills inside a save)."""
    rng = np.random.default_rng(seed)
    place.mkdir()
    run, kills, torn = Run.prepare(place), 0, 0
    for number in range(KILLS_OF_A_RUN):
        if number == seed % KILLS_OF_A_RUN:
            was_killed, was_torn = kill_inside_a_save(run, rng, saves=int(rng.integers(4)))
        else:
            was_killed, was_torn = kill_at_a_moment(run, rng, seconds / 3) == -signal.SIGKILL, False
        kills, torn = kills + was_killed, torn + was_torn
    run.finish()
    return run.fingerprint(), kills, torn


@pytest.mark.parametrize(
    ("least", "in_saves"),
    [pytest.param(5, 1, id="quick"), pytest.param(20, 3, id="long", marks=pytest.mark.slow)],
)
@pytest.mark.timeout(900)
def test_every_killed_run_ends_like_the_one_that_was_not(reference, tmp_path, least, in_saves):
    expected, seconds = reference
    kills = torn = seed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        while (kills < least or torn < in_saves) and seed < 24:
            pair = [pool.submit(killed_run, tmp_path / f"run{seed + k}", seed + k, seconds) for k in range(2)]
            for future in pair:
                found, more_kills, more_torn = future.result()
                assert found == expected, f"run {seed} differs"
                kills, torn, seed = kills + more_kills, torn + more_torn, seed + 1
    assert kills >= least and torn >= in_saves, f"{kills} kills, {torn} of them inside a save"


def without_random_state(arrays, state):
    state["random"][0]["paddle"] = {}


def without_position(arrays, state):
    state["position"] = 0


def without_average(arrays, state):
    arrays["ema"] = arrays["model"]
    state["ema"]["updates"] = 0


def without_momentum(arrays, state):
    arrays["optimizer"] = {name: np.zeros_like(value) for name, value in arrays["optimizer"].items()}


def with_everything(arrays, state):
    pass


@pytest.fixture(scope="module")
def interrupted(reference, tmp_path_factory):
    """A run that was killed in the middle of an epoch, past its first checkpoints."""
    run = Run.prepare(tmp_path_factory.mktemp("interrupted"))
    process = run.start()
    while "step_40" not in run.files() and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
    newest = checkpoint.newest_valid(run.folder)
    assert checkpoint.read_checkpoint(newest)[1]["position"] > 0
    return run


@pytest.mark.parametrize(
    ("leave_out", "must_differ", "must_not"),
    [
        (with_everything, set(), {"model", "ema", "optimizer", "metrics", "state", "best"}),
        (without_random_state, {"model", "ema", "optimizer", "metrics"}, set()),
        (without_position, {"model", "ema", "optimizer", "metrics"}, set()),
        (without_average, {"ema", "metrics"}, {"model", "optimizer"}),
        (without_momentum, {"model", "ema", "optimizer", "metrics"}, set()),
    ],
)
@pytest.mark.timeout(300)
def test_leaving_anything_out_of_the_checkpoint_shows(
    reference, interrupted, tmp_path, leave_out, must_differ, must_not
):
    run = interrupted.copy(tmp_path / "run")
    newest = checkpoint.newest_valid(run.folder)
    arrays, state = checkpoint.read_checkpoint(newest)
    leave_out(arrays, state)
    checkpoint.write_checkpoint(run.folder, state["step"], arrays, state, (newest / "config.yml").read_text())
    run.finish()
    found, expected = run.fingerprint(), reference[0]
    differing = {name for name in expected if found[name] != expected[name]}
    assert must_differ <= differing and not must_not & differing
