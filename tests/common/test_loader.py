"""What a loader promises: the same batches for every number of workers, in order, from any step on."""

import logging
import time
from pathlib import Path

import numpy as np
import pytest

from common.data import pool, shared_batch
from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.pool import NoBatch
from common.data.samplers import EpochSampler, EvaluationSampler, StreamSampler
from common.data.transform import Transform
from common.errors import BadSample, ConfigError, DataError
from common.log import logger

WORKERS = [0, 1, 2, 5]


class Pictures:
    padding = {"boxes": 0}

    def __init__(self, length=37, bad=()):
        self.length, self.bad = length, set(bad)

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.bad:
            raise OSError(5, "the disk is bad", f"{index}.jpg")
        boxes = np.full((index % 4, 4), index, np.float32)
        return {"path": f"{index}.jpg", "image": np.full((3, 8, 8), index, np.float32), "boxes": boxes, "label": index}


class Stream:
    def __init__(self, length=37):
        self.length = length

    def iterate(self, shard, num_shards, epoch):
        for number in range(shard, self.length, num_shards):
            yield {"number": number + 1000 * epoch, "value": np.zeros(2, np.float32)}


class Noise(Transform):
    def __call__(self, sample, rng):
        name = "image" if "image" in sample else "value"
        sample[name] += rng.normal(size=sample[name].shape).astype(np.float32)
        return sample


class Blend(Transform):
    extra = 1

    def __call__(self, sample, rng, others):
        sample["image"] = (sample["image"] + others[0]["image"]) / 2
        return sample


class Crop(Transform):
    per_batch = True

    def __call__(self, samples, rng):
        size = int(rng.integers(4, 9))
        for sample in samples:
            sample["image"] = sample["image"][:, :size, :size]
        return samples


class Slow(Transform):
    def __call__(self, sample, rng):
        time.sleep(0.2)
        return sample


def augmented():
    return Pipeline([Noise(), Blend(), Noise(), Crop()], seed=3)


def assert_equal(batches, others):
    for batch, other in zip(batches, others, strict=True):
        assert list(batch) == list(other)
        for name, value in batch.items():
            if isinstance(value, np.ndarray):
                assert value.dtype == other[name].dtype
                np.testing.assert_array_equal(value, other[name])
            else:
                assert value == other[name]


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.WARNING, logger="kit")
    return caplog


@pytest.fixture(scope="module")
def two_epochs():
    loader = Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3))
    return [list(loader.epoch(epoch)) for epoch in range(2)]


@pytest.mark.parametrize("workers", WORKERS)
def test_batches_are_the_same_for_every_number_of_workers(workers, two_epochs):
    with Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers) as loader:
        assert len(loader) == 9
        for epoch in range(2):
            assert_equal(loader.epoch(epoch), two_epochs[epoch])


@pytest.mark.parametrize("workers", WORKERS)
def test_an_epoch_can_be_entered_at_any_step(workers, two_epochs):
    with Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers) as loader:
        for step in (0, 1, 5, 8, 9):
            assert_equal(loader.epoch(1, start_step=step), two_epochs[1][step:])


def test_workers_are_kept_over_epochs():
    with Loader(Pictures(), augmented(), EpochSampler(37, 4), workers=2) as loader:
        list(loader.epoch(0))
        pids = loader.worker_pids
        list(loader.epoch(1))
        assert len(pids) == 2 and loader.worker_pids == pids
    assert loader.worker_pids == [] and not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_an_epoch_that_was_left_does_not_leak_into_the_next(two_epochs):
    with Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as loader:
        for taken in range(4):
            for _ in zip(range(taken), loader.epoch(0)):
                pass
            assert_equal(loader.epoch(1), two_epochs[1])


def test_a_second_epoch_ends_the_first_iterator():
    with Loader(Pictures(), augmented(), EpochSampler(37, 4), workers=2) as loader:
        first = loader.epoch(0)
        next(first)
        next(loader.epoch(1))
        with pytest.raises(RuntimeError, match="another epoch"):
            next(first)


@pytest.mark.parametrize("workers", [0, 2])
def test_arrays_stay_valid_after_later_batches(workers, two_epochs):
    with Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers, prefetch=1) as loader:
        kept = list(loader.epoch(0))
    assert_equal(kept, two_epochs[0])
    assert all(value.flags.writeable for value in kept[0].values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize("size", [0, 64, 4096])
def test_what_does_not_fit_the_shared_memory_goes_through_the_pipe(size, two_epochs, monkeypatch):
    monkeypatch.setattr(pool, "Slot", lambda: shared_batch.Slot(size))
    with Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as loader:
        assert_equal(loader.epoch(0), two_epochs[0])


def test_a_closed_loader_starts_again(two_epochs):
    loader = Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers=2)
    next(loader.epoch(0))
    loader.close()
    loader.close()
    assert_equal(loader.epoch(0), two_epochs[0])
    loader.close()


def test_two_loaders_work_side_by_side(two_epochs):
    with (
        Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as train,
        Loader(Pictures(), augmented(), EpochSampler(37, 4, seed=3), workers=2) as other,
    ):
        for one, two in zip(train.epoch(0), other.epoch(0)):
            assert_equal([one], [two])


def test_the_wait_for_a_batch_is_measured():
    for workers in (0, 2):
        with Loader(Pictures(4), Pipeline([Slow()]), EvaluationSampler(4, 2), workers) as loader:
            next(loader.epoch(0))
            assert 0.4 <= loader.wait_seconds < 5


def test_the_position_is_that_of_the_next_batch():
    loader = Loader(Pictures(), augmented(), EpochSampler(37, 4))
    positions = [loader.position for _ in loader.epoch(0, start_step=3)]
    assert positions == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_sample_ends_the_epoch_but_not_the_loader(workers):
    with Loader(Pictures(bad=[9]), Pipeline([]), EvaluationSampler(37, 4), workers) as loader:
        batches = loader.epoch(0)
        assert [next(batches)["label"][0] for _ in range(2)] == [0, 4]
        with pytest.raises(BadSample, match="OSError") as caught:
            next(batches)
        assert caught.value.index == 9 and caught.value.issue.file == "9.jpg"
        assert len(list(loader.epoch(0, start_step=3))) == 7


def test_an_error_of_a_worker_carries_its_traceback():
    with Loader(Pictures(bad=[9]), Pipeline([]), EvaluationSampler(37, 4), 2) as loader:
        with pytest.raises(BadSample) as caught:
            list(loader.epoch(0))
    assert "in __getitem__" in caught.value.worker_traceback and "OSError" in str(caught.value.__cause__)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_value_or_shape_that_cannot_be_batched_is_a_data_error(workers):
    class Uneven(Pictures):
        def __getitem__(self, index):
            return {"path": f"{index}.jpg", "image": np.zeros((3, 8, 8 + index // 6))}

    with Loader(Uneven(), Pipeline([]), EvaluationSampler(37, 4), workers) as loader:
        with pytest.raises(DataError, match=r"(?s)'image' differs.*4.jpg.*6.jpg"):
            list(loader.epoch(0))


def test_a_value_that_cannot_leave_a_worker_is_a_data_error():
    class Odd(Pictures):
        def __getitem__(self, index):
            return {"function": np.array([lambda: index])}

    with Loader(Odd(), Pipeline([]), EvaluationSampler(37, 4), 1) as loader:
        with pytest.raises(DataError, match="cannot leave its process"):
            list(loader.epoch(0))


@pytest.mark.parametrize("workers", WORKERS)
def test_skipped_samples_are_left_out_listed_and_the_same_for_every_number_of_workers(workers, warnings):
    dataset = Pictures(3000, bad=[5, 6, 7])
    sampler = EvaluationSampler(3000, 3)
    with Loader(dataset, Pipeline([]), sampler, workers, bad_samples="skip") as loader:
        for _ in range(2):
            batches = list(loader.epoch(0))
            labels = [batch["label"].tolist() for batch in batches]
            assert labels[:3] == [[0, 1, 2], [3, 4], [8]]
            assert sum(map(len, labels)) == 2997
        assert [(skipped.index, skipped.file) for skipped in loader.skipped] == [
            (5, "5.jpg"),
            (6, "6.jpg"),
            (7, "7.jpg"),
        ]
    assert len(warnings.records) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_without_samples_is_passed_over_and_the_position_counts_it(workers):
    dataset = Pictures(2000, bad=[4, 5])
    with Loader(dataset, Pipeline([]), EvaluationSampler(2000, 2), workers, bad_samples="skip") as loader:
        positions = [(loader.position, batch["label"][0]) for batch in loader.epoch(0)]
    assert len(positions) == 999
    assert positions[:3] == [(1, 0), (2, 2), (4, 6)]


def test_skipping_is_the_same_when_samples_are_mixed():
    runs = []
    for workers in WORKERS:
        dataset = Pictures(3000, bad=[5, 6, 7])
        with Loader(dataset, augmented(), EpochSampler(3000, 50), workers, bad_samples="skip") as loader:
            runs.append((list(loader.epoch(0)), [skipped.index for skipped in loader.skipped]))
    for batches, skipped in runs[1:]:
        assert_equal(batches, runs[0][0])
        assert skipped == runs[0][1] and sorted(skipped) == [5, 6, 7]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("length, bad, allowed", [(37, 2, 1), (3000, 4, 3), (200_000, 101, 100)])
def test_more_bad_samples_than_allowed_are_refused(workers, length, bad, allowed):
    dataset = Pictures(length, bad=range(bad))
    with Loader(dataset, Pipeline([]), EvaluationSampler(length, 4), workers, bad_samples="skip") as loader:
        with pytest.raises(DataError, match=f"at most {allowed} of {length} samples\n  0.jpg") as caught:
            list(loader.epoch(0))
    assert len(str(caught.value).splitlines()) <= 12


def test_a_batch_of_bad_samples_is_refused_when_other_processes_wait():
    sampler = EpochSampler(2000, 1, shuffle=False, rank=1, world=2)
    loader = Loader(Pictures(2000, bad=[3]), Pipeline([]), sampler, bad_samples="skip")
    with pytest.raises(DataError, match="every sample of batch 1 of process 1"):
        list(loader.epoch(0))


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("world", [1, 2])
def test_a_stream_is_read_once_by_all_workers_of_all_processes(workers, world):
    numbers, sizes = [], []
    for rank in range(world):
        with Loader(Stream(), Pipeline([Noise()]), StreamSampler(4, rank=rank, world=world), workers) as loader:
            for batch in loader.epoch(2):
                numbers += batch["number"].tolist()
                sizes.append(len(batch["value"]))
    assert sorted(numbers) == list(range(2000, 2037)) and max(sizes) == 4


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_a_stream_can_be_entered_at_any_step(workers):
    with Loader(Stream(), Pipeline([Noise()]), StreamSampler(3), workers) as loader:
        whole = list(loader.epoch(0))
        assert_equal(whole, loader.epoch(0))
        for step in (1, 4, 11, len(whole)):
            assert_equal(loader.epoch(0, start_step=step), whole[step:])


def test_one_worker_reads_a_stream_as_this_process_does():
    runs = [list(Loader(Stream(), Pipeline([Noise()]), StreamSampler(4), workers).epoch(0)) for workers in (0, 1)]
    assert_equal(*runs)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_steps_of_a_stream_are_a_promise(workers):
    with Loader(Stream(), Pipeline([]), StreamSampler(4, steps=6), workers) as loader:
        assert len(loader) == len(list(loader.epoch(0))) == 6
    with Loader(Stream(), Pipeline([]), StreamSampler(4, steps=60), workers) as loader:
        with pytest.raises(DataError, match="of the 60 batches"):
            list(loader.epoch(0))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_can_leave_out_what_does_not_fill_a_batch(workers):
    with Loader(Stream(), Pipeline([]), StreamSampler(4, drop_last=True), workers) as loader:
        assert {len(batch["number"]) for batch in loader.epoch(0)} == {4}


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_samples_of_a_stream_are_named_or_skipped(workers):
    class Picky(Transform):
        def __call__(self, sample, rng):
            if sample["number"] == 9:
                raise ValueError("nine")
            return sample

    position = "sample 4 of shard 1" if workers else "sample 9 of shard 0"
    with Loader(Stream(), Pipeline([Picky()]), StreamSampler(4), workers) as loader:
        with pytest.raises(BadSample, match=position):
            list(loader.epoch(0))
    with Loader(Stream(), Pipeline([Picky()]), StreamSampler(4), workers, bad_samples="skip") as loader:
        numbers = [number for batch in loader.epoch(0) for number in batch["number"]]
        assert sorted(numbers) == [n for n in range(37) if n != 9] and len(loader.skipped) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_that_raises_says_where(workers):
    class Torn(Stream):
        def iterate(self, shard, num_shards, epoch):
            yield {"number": 1}
            raise EOFError("the file ends in the middle")

    with Loader(Torn(), Pipeline([]), StreamSampler(4), workers, bad_samples="skip") as loader:
        with pytest.raises(BadSample, match=r"(?s)EOFError: the file ends in the middle.*shard 0 of"):
            list(loader.epoch(0))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_wait_ends_when_the_run_should_stop(workers, monkeypatch):
    monkeypatch.setattr(pool, "GRACE", 0.3)
    with Loader(Pictures(), Pipeline([Slow()]), EvaluationSampler(37, 8), workers) as loader:
        batches = loader.epoch(0)
        next(batches)
        loader.should_stop = lambda: True
        begun = time.monotonic()
        with pytest.raises(NoBatch):
            list(batches)
        assert time.monotonic() - begun < 3
        assert loader.position in (1, 2)  # the other worker's batch may have been ready


@pytest.mark.parametrize(
    "change, said",
    [
        ({"bad_samples": "ignore"}, "bad_samples is 'ignore'"),
        ({"workers": -1}, "workers is -1"),
        ({"sampler": StreamSampler(4)}, "StreamSampler does not suit Pictures.*EpochSampler"),
        ({"dataset": Stream()}, "EvaluationSampler does not suit Stream.*StreamSampler"),
        ({"dataset": Stream(), "sampler": StreamSampler(4)}, "Stream is a stream"),
    ],
    ids=["policy", "workers", "sampler", "dataset", "mixing"],
)
def test_what_does_not_go_together_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        Loader(**{"dataset": Pictures(), "pipeline": augmented(), "sampler": EvaluationSampler(37, 4)} | change)


def test_a_worker_is_single_threaded_and_leaves_the_generators_alone():
    class Ask(Transform):
        def __call__(self, sample, rng):
            import cv2

            sample["threads"] = cv2.getNumThreads()
            return sample

    before = np.random.get_state()[1].copy()
    with Loader(Pictures(), Pipeline([Ask()]), EvaluationSampler(37, 4), workers=1) as loader:
        assert next(loader.epoch(0))["threads"].max() <= 1
    np.testing.assert_array_equal(np.random.get_state()[1], before)
