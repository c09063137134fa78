"""Iterable datasets: no sample is lost or read twice, for any number of workers and processes."""

import pytest

from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import StreamSampler
from common.data.transform import Transform
from common.errors import BadSample, DataError
from tests.common.data.loader_programs.samples import WORKERS, Noise, Stream, assert_equal


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
def test_a_stream_can_be_resumed_at_any_step(workers):
    with Loader(Stream(), Pipeline([Noise()]), StreamSampler(3), workers) as loader:
        whole = list(loader.epoch(0))
        assert_equal(whole, loader.epoch(0))
        for step in (1, 4, 11, len(whole)):
            assert_equal(loader.epoch(0, start_step=step), whole[step:])


class OnlyTheLast(Transform):
    """Fails for every sample but the last one."""

    def __call__(self, sample, rng):
        if sample["number"] != 36:
            raise ValueError(f"sample {sample['number']} was transformed")
        return sample


@pytest.mark.parametrize("workers", [0, 1])
def test_samples_before_the_first_step_are_not_transformed(workers):
    with Loader(Stream(), Pipeline([OnlyTheLast()]), StreamSampler(6), workers, prefetch=1) as loader:
        assert next(loader.epoch(0, start_step=6))["number"].tolist() == [36]
        with pytest.raises(Exception, match="sample 0"):
            next(loader.epoch(0))


def test_one_worker_reads_a_stream_as_this_process_does():
    runs = [list(Loader(Stream(), Pipeline([Noise()]), StreamSampler(4), workers).epoch(0)) for workers in (0, 1)]
    assert_equal(*runs)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_with_fewer_batches_than_steps_is_refused(workers):
    with Loader(Stream(), Pipeline([]), StreamSampler(4, steps=6), workers) as loader:
        assert len(loader) == len(list(loader.epoch(0))) == 6
    with (
        Loader(Stream(), Pipeline([]), StreamSampler(4, steps=60), workers) as loader,
        pytest.raises(DataError, match="of the 60 batches"),
    ):
        list(loader.epoch(0))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_can_drop_its_last_incomplete_batch(workers):
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
    with (
        Loader(Stream(), Pipeline([Picky()]), StreamSampler(4), workers) as loader,
        pytest.raises(BadSample, match=position),
    ):
        list(loader.epoch(0))
    with Loader(Stream(), Pipeline([Picky()]), StreamSampler(4), workers, bad_samples="skip") as loader:
        numbers = [number for batch in loader.epoch(0) for number in batch["number"]]
        assert sorted(numbers) == [n for n in range(37) if n != 9] and len(loader.skipped) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_an_exception_of_a_stream_names_shard_and_position(workers):
    class Torn(Stream):
        def iterate(self, shard, num_shards, epoch):
            yield {"number": 1}
            raise EOFError("the file ends in the middle")

    with (
        Loader(Torn(), Pipeline([]), StreamSampler(4), workers, bad_samples="skip") as loader,
        pytest.raises(BadSample, match=r"(?s)EOFError: the file ends in the middle.*shard 0 of"),
    ):
        list(loader.epoch(0))
