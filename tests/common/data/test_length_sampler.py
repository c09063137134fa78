"""Length bucketing: every sample once, little padding, reproducible, equal shares for all processes."""

import numpy as np
import pytest

from common.data.length_sampler import LengthSampler
from common.errors import ConfigError


class Texts:
    def __init__(self, lengths):
        self.sizes = lengths

    def lengths(self):
        return self.sizes


def texts(count=1000):
    return Texts(np.random.default_rng(0).geometric(0.05, count))


def waste(batches, sizes):
    """Padding over tokens."""
    padded = sum(len(batch) * sizes[batch].max() for batch in map(np.asarray, batches))
    return padded / sum(sizes[np.asarray(batch)].sum() for batch in batches) - 1


def test_every_sample_comes_once_and_the_order_changes_with_the_epoch():
    data = texts()
    sampler = LengthSampler(1000, 16, data, drop_last=False, chunk=5)
    first, second = sampler.batches(0), sampler.batches(1)
    assert sorted(k for batch in first for k in batch) == list(range(1000)) and len(first) == len(sampler) == 63
    assert first != second and first == LengthSampler(1000, 16, data, drop_last=False, chunk=5).batches(0)


def test_padding_is_a_small_part_of_that_of_a_random_order():
    data = texts()
    batches = LengthSampler(1000, 16, data).batches(0)
    order = np.random.default_rng(1).permutation(1000)
    assert waste(batches, data.sizes) < 0.15 * waste(order[:992].reshape(-1, 16), data.sizes)


@pytest.mark.parametrize("world", [2, 3])
def test_no_process_exceeds_the_token_limit_when_a_batch_is_split_unevenly(world):
    # three samples of 6 fit into 2 * 10 tokens, but one of the two processes would get two of them, 12 tokens
    sizes = np.repeat([6, 3, 4], 24)
    samplers = [LengthSampler(72, 64, Texts(sizes), tokens=10, rank=rank, world=world) for rank in range(world)]
    for sampler in samplers:
        assert max(len(batch) * sizes[batch].max() for batch in sampler.batches(0)) <= 10


def test_no_batch_exceeds_the_token_limit_padding_included():
    data = texts()
    sampler = LengthSampler(1000, 64, data, tokens=400)
    batches = sampler.batches(3)
    assert all(len(batch) * data.sizes[batch].max() <= 400 and len(batch) <= 64 for batch in batches)
    assert sorted(k for batch in batches for k in batch) == list(range(1000)) and len(sampler) == len(batches)
    assert {tuple(sorted(b)) for b in batches} != {tuple(sorted(b)) for b in sampler.batches(4)}


def test_processes_share_every_batch():
    data = texts(100)
    parts = [LengthSampler(100, 8, data, rank=rank, world=2).batches(0) for rank in range(2)]
    assert len(parts[0]) == len(parts[1]) == 6
    whole = LengthSampler(100, 16, data).batches(0)
    assert [a + b for a, b in zip(*parts)] == whole


def test_a_sample_longer_than_the_token_limit_is_refused():
    with pytest.raises(ConfigError, match="tokens is 3, but the longest sample has 9"):
        LengthSampler(2, 1, Texts(np.array([9, 1])), tokens=3)
    with pytest.raises(ConfigError, match="they must be at least 0 and 1"):
        LengthSampler(2, 1, Texts(np.array([9, 1])), chunk=0)
