"""Samplers: no sample is lost or repeated, the order is a function of (seed, epoch), for any number of processes."""

import logging

import numpy as np
import pytest

from common.data.samplers import (
    EpochSampler,
    EvaluationSampler,
    GroupedSampler,
    StreamSampler,
    WeightedSampler,
    aspect_groups,
    balanced_weights,
)
from common.errors import ConfigError, DataError
from common.log import logger


def flat(batches):
    return [index for batch in batches for index in batch]


@pytest.fixture
def warnings(caplog, monkeypatch):
    monkeypatch.setattr(logger, "propagate", True)
    caplog.set_level(logging.WARNING, logger="kit")
    return caplog


def test_an_epoch_has_every_sample_once():
    sampler = EpochSampler(10, 4, drop_last=False)
    batches = sampler.batches(0)
    assert [len(batch) for batch in batches] == [4, 4, 2] and len(sampler) == 3
    assert sorted(flat(batches)) == list(range(10))
    assert all(type(index) is int for index in flat(batches))


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = {key: flat(EpochSampler(50, 5, seed=key[0]).batches(key[1])) for key in [(0, 0), (0, 1), (1, 0)]}
    assert len({tuple(order) for order in orders.values()}) == 3
    assert flat(EpochSampler(50, 5, seed=0).batches(1)) == orders[0, 1]


def test_without_shuffle_the_order_is_that_of_the_data_set():
    assert EpochSampler(7, 3, shuffle=False).batches(5) == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("world", [2, 3, 4])
def test_processes_together_see_what_one_process_sees(world):
    alone = EpochSampler(110, 12, seed=5).batches(3)
    shares = [EpochSampler(110, 12 // world, seed=5, rank=rank, world=world) for rank in range(world)]
    together = [flat(parts) for parts in zip(*(share.batches(3) for share in shares))]
    assert together == alone


@pytest.mark.parametrize("length", [9, 10, 11, 12, 13])
def test_every_process_takes_the_same_number_of_steps_without_drop_last(length):
    samplers = [EpochSampler(length, 2, drop_last=False, rank=rank, world=3) for rank in range(3)]
    shares = [sampler.batches(0) for sampler in samplers]
    assert {len(share) for share in shares} == {len(samplers[0])}
    assert all(batch for share in shares for batch in share)
    seen = sorted(flat(flat(shares)))
    assert len(set(seen)) == len(seen) == (12 if length == 13 else length)  # one sample is too few for three processes


def test_zero_batches_are_refused_with_the_numbers():
    with pytest.raises(
        DataError,
        match=r"0 batches: 7 samples do not fill one batch of 8\n.* data\.train\.sampler=.*drop_last: false",
    ):
        EpochSampler(7, 8)
    with pytest.raises(DataError, match=r"15 samples do not fill one batch of 2 x 8"):
        EpochSampler(15, 8, rank=1, world=2)
    with pytest.raises(DataError, match="no samples"):
        EpochSampler(0, 8)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="batch_size is 0"):
        EpochSampler(7, 0)
    with pytest.raises(ConfigError, match="process 2 of 2"):
        EvaluationSampler(7, 1, rank=2, world=2)
    with pytest.raises(ConfigError, match="repeat is 0"):
        EpochSampler(7, 2, repeat=0)
    with pytest.raises(ConfigError, match="3 weights for 7 samples"):
        WeightedSampler(7, 2, weights=[1, 1, 1])
    with pytest.raises(ConfigError, match="non-negative"):
        WeightedSampler(3, 2, weights=[1, -1, 1])
    with pytest.raises(ConfigError, match="2 groups for 7 samples"):
        GroupedSampler(7, 2, groups=[0, 1])


def test_a_last_batch_of_one_sample_causes_one_warning(warnings):
    sampler = EpochSampler(9, 4, drop_last=False)
    for epoch in range(3):
        sampler.batches(epoch)
    assert len(warnings.records) == 1 and "drop_last: true" in warnings.text


@pytest.mark.parametrize("length, size, drop_last", [(10, 4, False), (9, 4, True), (9, 1, False)])
def test_other_last_batches_cause_no_warning(warnings, length, size, drop_last):
    EpochSampler(length, size, drop_last=drop_last)
    assert not warnings.records


def test_repetitions_differ_by_multiples_of_the_length():
    indexes = flat(EpochSampler(5, 3, repeat=3).batches(0))
    assert sorted(indexes) == list(range(15))
    assert sorted(index % 5 for index in indexes[:5]) == list(range(5))


@pytest.mark.parametrize("length, world", [(10, 1), (10, 3), (2, 3), (12, 4)])
def test_evaluation_takes_every_sample_once_in_order(length, world):
    samplers = [EvaluationSampler(length, 2, rank=rank, world=world) for rank in range(world)]
    shares = [sampler.batches(0) for sampler in samplers]
    assert flat(flat(shares)) == list(range(length))
    sizes = [len(flat(share)) for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert [len(sampler) for sampler in samplers] == [len(share) for share in shares]


def test_evaluation_is_the_same_in_every_epoch():
    assert (
        EvaluationSampler(10, 4).batches(0)
        == EvaluationSampler(10, 4).batches(9)
        == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    )


def test_grouped_batches_contain_one_group_each():
    groups = np.array([0, 1, 2] * 10 + [0] * 3)
    sampler = GroupedSampler(33, 4, groups, drop_last=False)
    batches = sampler.batches(1)
    assert all(len(set(groups[batch])) == 1 for batch in batches)
    assert sorted(flat(batches)) == list(range(33)) and len(batches) == len(sampler) == 4 + 3 + 3
    order = [int(groups[batch[0]]) for batch in batches]
    assert order != sorted(order)  # the groups take turns
    assert batches == sampler.batches(1) != sampler.batches(2)


def test_grouped_processes_together_see_what_one_process_sees():
    groups = [0, 1] * 20
    alone = GroupedSampler(40, 6, groups, seed=2).batches(0)
    shares = [GroupedSampler(40, 3, groups, seed=2, rank=rank, world=2).batches(0) for rank in range(2)]
    assert [flat(parts) for parts in zip(*shares)] == alone


def test_weights_decide_how_often_a_sample_is_drawn():
    sampler = WeightedSampler(3, 10, weights=[0, 1, 3], num_samples=4000)
    assert len(sampler) == 400
    indexes = flat(sampler.batches(0))
    counts = np.bincount(np.array(indexes) % 3, minlength=3)
    assert counts[0] == 0 and counts[2] / counts[1] == pytest.approx(3, rel=0.15)  # expected 3, deviation 0.11
    assert len(set(indexes)) == 4000  # each visit has its own random numbers
    assert indexes == flat(sampler.batches(0)) != flat(sampler.batches(1))


def test_balanced_weights_give_each_label_the_same_share():
    weights = balanced_weights([7, 7, 7, 2])
    assert weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


def test_aspect_groups_separate_tall_from_wide():
    assert aspect_groups([10, 20, 30], [20, 20, 20]).tolist() == [0, 1, 1]


def test_the_length_of_a_stream_is_known_only_with_steps():
    assert len(StreamSampler(4, steps=7)) == 7
    with pytest.raises(ConfigError, match="steps"):
        len(StreamSampler(4))
