"""Bad samples are named with file and index, or skipped and listed up to a limit, for any number of workers."""

import logging

import numpy as np
import pytest

from common.data.loader import Loader
from common.data.pipeline import Pipeline
from common.data.samplers import EpochSampler, EvaluationSampler
from common.errors import BadSample, DataError
from common.log import logger
from tests.common.data.loader_programs.samples import WORKERS, Images, assert_equal, augmented


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.WARNING, logger="kit")
    return caplog


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_sample_ends_the_epoch_but_not_the_loader(workers):
    with Loader(Images(bad=[9]), Pipeline([]), EvaluationSampler(37, 4), workers) as loader:
        batches = loader.epoch(0)
        assert [next(batches)["label"][0] for _ in range(2)] == [0, 4]
        with pytest.raises(BadSample, match="OSError") as caught:
            next(batches)
        assert caught.value.index == 9 and caught.value.issue.file == "9.jpg"
        assert len(list(loader.epoch(0, start_step=3))) == 7


def test_an_error_of_a_worker_carries_its_traceback():
    with (
        Loader(Images(bad=[9]), Pipeline([]), EvaluationSampler(37, 4), 2) as loader,
        pytest.raises(BadSample) as caught,
    ):
        list(loader.epoch(0))
    assert "in __getitem__" in caught.value.worker_traceback and "OSError" in str(caught.value.__cause__)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_value_or_shape_that_cannot_be_batched_is_a_data_error(workers):
    class Uneven(Images):
        def __getitem__(self, index):
            return {"path": f"{index}.jpg", "image": np.zeros((3, 8, 8 + index // 6))}

    with (
        Loader(Uneven(), Pipeline([]), EvaluationSampler(37, 4), workers) as loader,
        pytest.raises(DataError, match=r"(?s)'image' differs.*4.jpg.*6.jpg"),
    ):
        list(loader.epoch(0))


def test_a_value_that_cannot_be_pickled_is_a_data_error():
    class Odd(Images):
        def __getitem__(self, index):
            return {"function": np.array([lambda: index])}

    with (
        Loader(Odd(), Pipeline([]), EvaluationSampler(37, 4), 1) as loader,
        pytest.raises(DataError, match="cannot be pickled"),
    ):
        list(loader.epoch(0))


@pytest.mark.parametrize("workers", WORKERS)
def test_bad_samples_are_skipped_and_listed_for_every_number_of_workers(workers, warnings):
    dataset = Images(3000, bad=[5, 6, 7])
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
def test_an_empty_batch_is_skipped_and_counted_in_the_position(workers):
    dataset = Images(2000, bad=[4, 5])
    with Loader(dataset, Pipeline([]), EvaluationSampler(2000, 2), workers, bad_samples="skip") as loader:
        positions = [(loader.position, batch["label"][0]) for batch in loader.epoch(0)]
    assert len(positions) == 999
    assert positions[:3] == [(1, 0), (2, 2), (4, 6)]


def test_skipping_is_the_same_when_samples_are_mixed():
    runs = []
    for workers in (0, 2):
        dataset = Images(2000, bad=[5, 6])
        with Loader(dataset, augmented(), EpochSampler(2000, 50), workers, bad_samples="skip") as loader:
            runs.append((list(loader.epoch(0)), [skipped.index for skipped in loader.skipped]))
    for batches, skipped in runs[1:]:
        assert_equal(batches, runs[0][0])
        assert skipped == runs[0][1] and sorted(skipped) == [5, 6]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("length, bad, allowed", [(37, 2, 1), (1000, 4, 3), (5000, 6, 5), (200_000, 101, 100)])
def test_more_bad_samples_than_allowed_are_refused(workers, length, bad, allowed):
    dataset = Images(length, bad=range(bad))
    with (
        Loader(dataset, Pipeline([]), EvaluationSampler(length, 4), workers, bad_samples="skip") as loader,
        pytest.raises(DataError, match=f"at most {allowed} of {length} samples\n  0.jpg") as caught,
    ):
        list(loader.epoch(0))
    assert len(str(caught.value).splitlines()) <= 12


def test_a_batch_of_bad_samples_is_refused_when_other_processes_wait():
    sampler = EpochSampler(2000, 1, shuffle=False, rank=1, world=2)
    loader = Loader(Images(2000, bad=[3]), Pipeline([]), sampler, bad_samples="skip")
    with pytest.raises(DataError, match="every sample of batch 1 of process 1"):
        list(loader.epoch(0))
