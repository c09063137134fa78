"""Batches of texts or recordings of about the same length, by number of samples, of tokens or of seconds."""

import numpy as np

from common.data.sampler_arithmetic import cut, split, told
from common.data.samplers import MIX, EpochSampler
from common.data.transform import random_for
from common.errors import ConfigError


class LengthSampler(EpochSampler):
    """Every batch holds samples of about the same length, so that little is filled up.

    The samples of an epoch are shuffled, cut into chunks of many batches, and each chunk is sorted by length before it
    is cut into batches, which then come in random order. How many batches an epoch has is the same in all epochs.

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch, of one process; the most that one holds where `tokens` decides.
        dataset (object): tells the `lengths` of its samples.
        tokens (int): tokens a batch at most, padding counted, of one process; 0 leaves it to batch_size.
        chunk (int): batches that are sorted together.
        shuffle (bool): whether the order is random.
        seed (int): of the order.
        drop_last (bool): leaves out the samples that do not fill a batch; without effect where `tokens` decides.
        rank (int): number of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: there is no sample, or not one whole batch.
        ConfigError: a number is out of range.
    """

    unit, least = "tokens", 1

    def __init__(
        self, length, batch_size, dataset, tokens=0, chunk=50, shuffle=True, seed=0, drop_last=True, rank=0, world=1
    ):
        if tokens < 0 or chunk < 1:
            raise ConfigError(f"{self.unit} is {tokens}, chunk {chunk}; the least are 0 and 1")
        self.sizes = np.maximum(self.least, told(dataset, "lengths", length))
        self.tokens, self.chunk = tokens, chunk
        if tokens and self.sizes.max() > tokens:
            raise ConfigError(
                f"{self.unit} is {tokens}, but the longest sample has {self.sizes.max()}: raise it, or cut samples"
            )
        self.by_length = self.token_batches(batch_size, tokens, world) if tokens else None
        super().__init__(length, batch_size, shuffle, seed, drop_last, rank, world)

    def check_batches(self, lengths):
        """As of its parent; a batch of one long text is meant where tokens are counted."""
        if not (self.by_length and lengths):
            super().check_batches(lengths)

    def token_batches(self, most, tokens, world):
        """The samples sorted by length, cut so that no process gets more than `tokens` or `most`; arrays of places."""
        order = np.argsort(self.sizes, kind="stable")
        batches, start = [], 0
        for place in range(len(order)):
            share = -(-(place + 1 - start) // world)  # samples of the process that gets most of them
            if place > start and (share * self.sizes[order[place]] > tokens or share > most):
                batches.append(np.arange(start, place))
                start = place
        return [*batches, np.arange(start, len(order))]

    def batch_lengths(self):
        """Number of samples in each batch of all processes together."""
        if self.by_length:
            return [len(places) for places in self.by_length if len(places) >= self.world]
        return cut(self.length, self.batch_size * self.world, self.drop_last, self.world)

    def global_batches(self, epoch):
        """The batches of all processes together: arrays of indexes."""
        order = self.order(epoch)
        if self.by_length:  # samples of equal length change places from epoch to epoch
            ranked = order[np.argsort(self.sizes[order], kind="stable")]
            batches = [ranked[places] for places in self.by_length if len(places) >= self.world]
        else:
            size = self.chunk * self.batch_size * self.world
            chunks = [order[start : start + size] for start in range(0, self.length, size)]
            ranked = np.concatenate([chunk[np.argsort(self.sizes[chunk], kind="stable")] for chunk in chunks])
            batches = split(ranked, self.batch_lengths())
        if self.shuffle:
            batches = [batches[k] for k in random_for(self.seed, epoch, MIX).permutation(len(batches))]
        return batches


class DurationSampler(LengthSampler):
    """A :class:`LengthSampler` of recordings, whose data set tells `lengths` in seconds.

    In the first epochs the batches may go from the shortest recordings to the longest, which is easier to learn
    (SortaGrad, Deep Speech 2, https://arxiv.org/abs/1512.02595, section 3.3).

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch, of one process; the most that one holds where `seconds` decides.
        dataset (object): tells the `lengths` of its samples.
        seconds (float): seconds a batch at most, padding counted, of one process; 0 leaves it to batch_size.
        chunk (int): batches that are sorted together.
        sorted_epochs (int): epochs that go from short to long.
        seed (int): of the order.
        drop_last (bool): leaves out the samples that do not fill a batch; without effect where `seconds` decides.
        rank (int): number of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: there is no sample, or not one whole batch.
        ConfigError: a number is out of range.
    """

    unit, least = "seconds", 0.0

    def __init__(
        self,
        length,
        batch_size,
        dataset,
        seconds=0.0,
        chunk=50,
        sorted_epochs=0,
        seed=0,
        drop_last=True,
        rank=0,
        world=1,
    ):
        self.sorted_epochs = sorted_epochs
        super().__init__(length, batch_size, dataset, seconds, chunk, True, seed, drop_last, rank, world)

    def global_batches(self, epoch):
        """The batches of all processes together: arrays of indexes."""
        if epoch >= self.sorted_epochs:
            return super().global_batches(epoch)
        ranked = np.argsort(self.sizes, kind="stable")
        if self.by_length:
            return [ranked[places] for places in self.by_length if len(places) >= self.world]
        return split(ranked, self.batch_lengths())
