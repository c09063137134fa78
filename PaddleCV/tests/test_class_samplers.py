"""Batches of P classes with K images each, and of triplets."""

import types

import numpy as np
import pytest

from common.errors import ConfigError, DataError
from PaddleCV.data.class_samplers import ClassBatchSampler, TripletSampler

TARGETS = np.repeat(np.arange(7), [4, 5, 3, 6, 2, 1, 4])  # 25 images; class 5 has one
DATA = types.SimpleNamespace(targets=TARGETS, labels=list("abcdefg"))


def made(kind=ClassBatchSampler, batch_size=6, data=DATA, **given):
    return kind(len(data.targets), batch_size, dataset=data, **given)


def test_each_batch_has_k_different_images_of_each_of_p_classes_side_by_side():
    sampler = made(per_class=3)
    assert len(sampler) == 22 // 6  # the images of the five classes that have three
    for epoch in range(5):
        for batch in sampler.batches(epoch):
            classes = TARGETS[np.array(batch) % 25].reshape(2, 3)
            assert (classes == classes[:, :1]).all() and classes[0, 0] != classes[1, 0]
            assert len(set(batch)) == 6 and not {4, 5} & set(classes.ravel())


def test_the_classes_take_turns_and_a_class_gives_all_its_images_before_one_comes_again():
    targets = np.repeat(np.arange(4), 5)
    drawn = np.concatenate(made(batch_size=4, data=types.SimpleNamespace(targets=targets)).batches(0))
    counts = np.bincount(targets[drawn % 20])
    assert counts.sum() == 20 and counts.max() - counts.min() <= 2  # two images a turn; the last turn is cut
    for number in range(4):
        own = drawn[targets[drawn % 20] == number]
        assert len(set(own[:5] % 20)) == min(5, len(own)) and len(set(own)) == len(own)  # again: with other numbers


def test_the_order_depends_on_the_epoch_and_the_seed_alone():
    sampler = made()
    assert sampler.batches(1) == made().batches(1) == sampler.batches(1) != sampler.batches(2)
    assert sampler.batches(1) != made(seed=1).batches(1)


@pytest.mark.parametrize("kind", [ClassBatchSampler, TripletSampler])
def test_several_processes_take_the_batches_of_one_with_their_sum(kind):
    targets = np.repeat(np.arange(12), 3)
    data = types.SimpleNamespace(targets=targets)
    whole = made(kind, 12, data).batches(3)
    parts = [made(kind, 6, data, rank=rank, world=2).batches(3) for rank in range(2)]
    assert whole == [first + second for first, second in zip(*parts)]
    for batch in parts[1]:
        classes = targets[np.array(batch) % 36]
        assert len(set(classes)) == 3 if kind is ClassBatchSampler else (classes[0::3] == classes[1::3]).all()


def test_classes_with_few_images_are_left_out_or_repeated_and_named(caplog):
    made(per_class=3)
    (record,) = caplog.records
    assert record.getMessage() == "2 of 7 classes have fewer than 3 images, such as e (2), and are left out of training"
    batches = [batch for epoch in range(4) for batch in made(per_class=3, few="repeat").batches(epoch)]
    assert "repeated" in caplog.records[-1].getMessage()
    assert set(TARGETS[np.concatenate(batches) % 25]) == set(range(7))
    assert all(len(set(batch)) == 6 for batch in batches)  # the same image differs by its random numbers


def test_triplets_are_two_images_of_a_class_and_one_of_another():
    sampler = made(TripletSampler)
    for batch in sampler.batches(0):
        rows = np.array(batch).reshape(-1, 3)
        classes = TARGETS[rows % 25]
        assert (classes[:, 0] == classes[:, 1]).all() and (classes[:, 0] != classes[:, 2]).all()
        assert (rows[:, 0] % 25 != rows[:, 1] % 25).all()
    assert len(set(map(int, np.concatenate(sampler.batches(0))))) == 24  # no sample with the same random numbers twice


@pytest.mark.parametrize(
    "given, error, message",
    [
        ({"per_class": 4}, ConfigError, "6 images does not consist of 4"),
        ({"per_class": 1}, ConfigError, "2 or more"),
        ({"batch_size": 20}, ConfigError, "needs 10 classes; 6 have enough"),
        ({"few": "drop"}, ConfigError, "skip or repeat"),
        ({"batch_size": 9, "per_class": 9}, DataError, "no class has 9 images"),
        ({"kind": TripletSampler, "batch_size": 8}, ConfigError, "no multiple of 3"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        made(**given)


def test_one_class_alone_has_no_triplets():
    with pytest.raises(DataError, match="same class"):
        made(TripletSampler, 3, types.SimpleNamespace(targets=np.zeros(5, np.int64)))
