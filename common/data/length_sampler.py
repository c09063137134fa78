"""Length bucketing: batches of samples of similar length, limited by number of samples, tokens or seconds."""

import numpy as np

from common.data.samplers import MIX, EpochSampler, cut_lengths, sample_values, split_order
from common.data.transform import random_for
from common.errors import ConfigError


class LengthSampler(EpochSampler):
    """Length bucketing: every batch contains samples of similar length, which minimizes padding.

    The samples of an epoch are shuffled and divided into chunks of many batches; each chunk is sorted by length and
    divided into batches, which are then shuffled. All epochs have the same number of batches.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process; the maximum if `tokens` is set.
        dataset (object): has `lengths`, one number per sample.
        tokens (int): maximum number of tokens per batch and process, padding included; 0 uses batch_size only.
        chunk (int): batches that are sorted together.
        shuffle (bool): shuffles samples and batches.
        seed (int): seed of the order.
        drop_last (bool): drops the samples that do not fill a batch; has no effect with `tokens`.
        rank (int): rank of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: no samples, or less than one full batch.
        ConfigError: a number is out of range.
    """

    unit, least = "tokens", 1

    def __init__(
        self, length, batch_size, dataset, tokens=0, chunk=50, shuffle=True, seed=0, drop_last=True, rank=0, world=1
    ):
        if tokens < 0 or chunk < 1:
            raise ConfigError(f"{self.unit} is {tokens}, chunk is {chunk}; they must be at least 0 and 1")
        self.sizes = np.maximum(self.least, sample_values(dataset, "lengths", length))
        self.tokens, self.chunk = tokens, chunk
        if tokens and self.sizes.max() > tokens:
            raise ConfigError(
                f"{self.unit} is {tokens}, but the longest sample has {self.sizes.max()}: increase it or cut samples"
            )
        self.by_length = self.token_batches(batch_size, tokens, world) if tokens else None
        super().__init__(length, batch_size, shuffle, seed, drop_last, rank, world)

    def check_batches(self, lengths):
        """As in the parent class, except that batches of one long sample are intended if tokens are limited."""
        if not (self.by_length and lengths):
            super().check_batches(lengths)

    def token_batches(self, most, tokens, world):
        """Batches, as arrays of ranks by length, with at most `tokens` tokens and `most` samples per process."""
        order = np.argsort(self.sizes, kind="stable")
        batches, start = [], 0
        for position in range(len(order)):
            share = -(-(position + 1 - start) // world)  # samples of the process with the largest share
            if position > start and (share * self.sizes[order[position]] > tokens or share > most):
                batches.append(np.arange(start, position))
                start = position
        return [*batches, np.arange(start, len(order))]

    def batch_lengths(self):
        """The number of samples in each global batch."""
        if self.by_length:
            return [len(positions) for positions in self.by_length if len(positions) >= self.world]
        return cut_lengths(self.length, self.batch_size * self.world, self.drop_last, self.world)

    def global_batches(self, epoch):
        """The global batches, those of all processes together: arrays of indexes."""
        order = self.order(epoch)
        if self.by_length:  # samples of equal length are shuffled among each other
            ranked = order[np.argsort(self.sizes[order], kind="stable")]
            batches = [ranked[positions] for positions in self.by_length if len(positions) >= self.world]
        else:
            size = self.chunk * self.batch_size * self.world
            chunks = [order[start : start + size] for start in range(0, self.length, size)]
            ranked = np.concatenate([chunk[np.argsort(self.sizes[chunk], kind="stable")] for chunk in chunks])
            batches = split_order(ranked, self.batch_lengths())
        if self.shuffle:
            batches = [batches[k] for k in random_for(self.seed, epoch, MIX).permutation(len(batches))]
        return batches


class DurationSampler(LengthSampler):
    """A :class:`LengthSampler` of audio, for a dataset whose `lengths` are durations in seconds.

    In the first epochs the batches can be ordered by increasing duration, a curriculum that eases training
    (SortaGrad, Deep Speech 2, https://arxiv.org/abs/1512.02595, section 3.3).

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process; the maximum if `seconds` is set.
        dataset (object): has `lengths`, one duration per sample.
        seconds (float): maximum duration of a batch per process, padding included; 0 uses batch_size only.
        chunk (int): batches that are sorted together.
        sorted_epochs (int): number of epochs in order of increasing duration.
        seed (int): seed of the order.
        drop_last (bool): drops the samples that do not fill a batch; has no effect with `seconds`.
        rank (int): rank of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: no samples, or less than one full batch.
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
        """The global batches, those of all processes together: arrays of indexes."""
        if epoch >= self.sorted_epochs:
            return super().global_batches(epoch)
        ranked = np.argsort(self.sizes, kind="stable")
        if self.by_length:
            return [ranked[positions] for positions in self.by_length if len(positions) >= self.world]
        return split_order(ranked, self.batch_lengths())
