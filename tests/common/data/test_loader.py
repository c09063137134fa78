"""The loader yields the same batches for any number of workers, in order, from any step on."""

import time
from pathlib import Path

import numpy as np
import pytest

from common.data import shared_memory
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler, EvaluationSampler, StreamSampler
from common.data.transform import Transform
from common.data.workers import NoBatch
from common.errors import ConfigError
from tests.common.data.loader_programs.samples import WORKERS, Images, Slow, Stream, assert_equal, augmented


@pytest.fixture(scope="module")
def two_epochs():
    loader = Loader(Images(), augmented(), EpochSampler(37, 4, seed=3))
    return [list(loader.epoch(epoch)) for epoch in range(2)]


@pytest.mark.parametrize("workers", WORKERS)
def test_batches_are_the_same_for_every_number_of_workers(workers, two_epochs):
    with Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers) as loader:
        assert len(loader) == 9
        for epoch in range(2):
            assert_equal(loader.epoch(epoch), two_epochs[epoch])


@pytest.mark.parametrize("workers", WORKERS)
def test_an_epoch_can_be_resumed_at_any_step(workers, two_epochs):
    with Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers) as loader:
        for step in (0, 1, 5, 8, 9):
            assert_equal(loader.epoch(1, start_step=step), two_epochs[1][step:])


def test_workers_are_kept_over_epochs():
    with Loader(Images(), augmented(), EpochSampler(37, 4), workers=2) as loader:
        list(loader.epoch(0))
        pids = loader.worker_pids
        list(loader.epoch(1))
        assert len(pids) == 2 and loader.worker_pids == pids
    assert loader.worker_pids == [] and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_an_abandoned_epoch_does_not_leak_into_the_next(two_epochs):
    with Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as loader:
        for taken in range(4):
            for _ in zip(range(taken), loader.epoch(0)):
                pass
            assert_equal(loader.epoch(1), two_epochs[1])


def test_an_abandoned_epoch_is_cancelled_within_a_sample():
    class OneThenMany:
        def __len__(self):
            return 2

        def batches(self, epoch):
            return [[0], [number % 31 for number in range(1, 301)]]  # 0.2 and 60 seconds

    with Loader(Images(), Pipeline([Slow()]), OneThenMany(), workers=1) as loader:
        next(loader.epoch(0))
        begun = time.monotonic()
        next(loader.epoch(1))
        assert time.monotonic() - begun < 30  # the abandoned batch would take twice as long


def test_a_second_epoch_ends_the_first_iterator():
    with Loader(Images(), augmented(), EpochSampler(37, 4), workers=2) as loader:
        first = loader.epoch(0)
        next(first)
        next(loader.epoch(1))
        with pytest.raises(RuntimeError, match="another epoch"):
            next(first)


@pytest.mark.parametrize("workers", [0, 2])
def test_arrays_stay_valid_after_later_batches(workers, two_epochs):
    with Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers, prefetch=1) as loader:
        kept = list(loader.epoch(0))
    assert_equal(kept, two_epochs[0])
    assert all(value.flags.writeable for value in kept[0].values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize("size", [0, 64, 4096])
def test_values_too_large_for_the_shared_memory_go_through_the_pipe(size, two_epochs, monkeypatch):
    monkeypatch.setattr("common.data.workers.Slot", lambda: shared_memory.Slot(size))
    with Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as loader:
        assert_equal(loader.epoch(0), two_epochs[0])


def test_a_closed_loader_starts_again(two_epochs):
    loader = Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers=2)
    next(loader.epoch(0))
    loader.close()
    loader.close()
    assert_equal(loader.epoch(0), two_epochs[0])
    loader.close()


def test_two_loaders_work_side_by_side(two_epochs):
    with (
        Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as train,
        Loader(Images(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as other,
    ):
        for one, two in zip(train.epoch(0), other.epoch(0)):
            assert_equal([one], [two])


def test_the_wait_for_a_batch_is_measured():
    for count in (0, 2):
        with Loader(Images(4), Pipeline([Slow()]), EvaluationSampler(4, 2), count) as loader:
            next(loader.epoch(0))
            assert 0.4 <= loader.wait_seconds < 5


def test_the_position_is_that_of_the_next_batch():
    loader = Loader(Images(), augmented(), EpochSampler(37, 4))
    positions = [loader.position for _ in loader.epoch(0, start_step=3)]
    assert positions == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_wait_ends_when_the_run_should_stop(workers, monkeypatch):
    monkeypatch.setattr("common.data.workers.GRACE", 0.3)
    with Loader(Images(), Pipeline([Slow()]), EvaluationSampler(37, 8), workers) as loader:
        batches = loader.epoch(0)
        next(batches)
        loader.should_stop = lambda: True
        with pytest.raises(NoBatch):
            list(batches)
        assert loader.position in (1, 2)  # the other worker's batch may have been ready


@pytest.mark.parametrize(
    "change, said",
    [
        ({"bad_samples": "ignore"}, "bad_samples is 'ignore'"),
        ({"workers": -1}, "workers is -1"),
        ({"sampler": StreamSampler(4)}, "StreamSampler does not suit Images.*EpochSampler"),
        ({"dataset": Stream()}, "EvaluationSampler does not suit Stream.*StreamSampler"),
        ({"dataset": Stream(), "sampler": StreamSampler(4)}, "Stream is a stream"),
    ],
    ids=["policy", "workers", "sampler", "dataset", "mixing"],
)
def test_incompatible_arguments_are_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        Loader(**{"dataset": Images(), "pipeline": augmented(), "sampler": EvaluationSampler(37, 4)} | change)


def test_a_worker_is_single_threaded_and_leaves_the_generators_alone():
    class Ask(Transform):
        def __call__(self, sample, rng):
            import cv2

            sample["threads"] = cv2.getNumThreads()
            return sample

    before = np.random.get_state()[1].copy()
    with Loader(Images(), Pipeline([Ask()]), EvaluationSampler(37, 4), workers=1) as loader:
        assert next(loader.epoch(0))["threads"].max() <= 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)
