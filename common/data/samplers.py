"""Which samples make up which batch of an epoch.

A configuration names one as `data.<split>.sampler: {type: GroupedSampler}`; the program gives it what its arguments
ask for: `length` and `dataset`, `batch_size`, `seed`, `rank` and `world`. A kit's `data/` may have samplers of its own.

Every sampler gives `batches(epoch)`, a list of lists of indexes, and `len()`, the number of batches of any epoch.
The order is a function of (seed, epoch) alone. Batch sizes are those of one process; with `world` processes the epoch
is cut into batches of `world * batch_size`, and each process takes its contiguous part of each, so that n processes
see together what one process with n times the batch sees.
"""

import numpy as np

from common.data.sampler_arithmetic import check_sizes, cut, part, split, times_before, told
from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.log import logger

ORDER, MIX = 11, 12  # keep the random numbers of samplers apart from each other and from those of samples


class EpochSampler:
    """Batches for training: every sample once an epoch, in an order that changes with the epoch.

    Without `drop_last` the last batch is shorter; when it has fewer samples than there are processes it is left out,
    because every process must take the same number of steps.

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch, of one process.
        shuffle (bool): whether the order is random.
        seed (int): of the order.
        drop_last (bool): leaves out the samples that do not fill a batch.
        rank (int): number of this process, from 0.
        world (int): number of processes.
        repeat (int): how often each sample comes in an epoch, each time with random numbers of its own.

    Raises:
        DataError: there is no sample, or not one whole batch.
        ConfigError: a number is out of range.
    """

    def __init__(self, length, batch_size, shuffle=True, seed=0, drop_last=True, rank=0, world=1, repeat=1):
        check_sizes(length, batch_size, rank, world)
        if repeat < 1:
            raise ConfigError(f"repeat is {repeat}; it must be at least 1")
        self.length, self.batch_size, self.shuffle, self.seed = length, batch_size, shuffle, seed
        self.drop_last, self.rank, self.world, self.repeat = drop_last, rank, world, repeat
        self.check_batches(self.batch_lengths())

    @property
    def in_step(self):
        """Whether the other processes wait for this one at every batch."""
        return self.world > 1

    def order(self, epoch):
        """Indexes of the epoch's samples; index + k * length is the k-th repetition of a sample."""
        if not self.shuffle:
            return np.tile(np.arange(self.length), self.repeat) + self._offsets()
        rng = random_for(self.seed, epoch, ORDER)
        return np.concatenate([rng.permutation(self.length) for _ in range(self.repeat)]) + self._offsets()

    def batch_lengths(self):
        """Number of samples in each batch of all processes together."""
        return cut(self.length * self.repeat, self.batch_size * self.world, self.drop_last, self.world)

    def global_batches(self, epoch):
        """The batches of all processes together: arrays of indexes."""
        return split(self.order(epoch), self.batch_lengths())

    def batches(self, epoch):
        """The batches of this process: a list of lists of indexes."""
        return [part(batch, self.rank, self.world).tolist() for batch in self.global_batches(epoch)]

    def __len__(self):
        return len(self.batch_lengths())

    def check_batches(self, lengths):
        """Refuses an epoch without a batch; warns when a process gets a batch of one sample beside larger ones."""
        if not lengths:
            whole = f"{self.batch_size}" if self.world == 1 else f"{self.world} x {self.batch_size}"
            kept = f", or data.train.sampler={{type: {type(self).__name__}, drop_last: false}}"
            raise DataError(
                f"an epoch has 0 batches: {self.length * self.repeat} samples do not fill one batch of {whole}\n"
                f"  fix: a smaller train.batch_size{kept if self.drop_last and self.length >= self.world else ''}"
            )
        if self.batch_size > 1 and min(lengths) // self.world == 1:
            logger.warning(
                "the last batch of an epoch has 1 sample in a process, on which batch normalisation learns nothing; "
                "set drop_last: true to leave it out"
            )

    def _offsets(self):
        return np.repeat(np.arange(self.repeat) * self.length, self.length)


class WeightedSampler(EpochSampler):
    """Draws samples with replacement, each as often as its weight says.

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch, of one process.
        weights (list[float]): one for each sample, not negative, only their ratios matter; null asks the data set.
        num_samples (int): samples drawn an epoch; 0 draws as many as the data set has.
        seed (int): of the order.
        drop_last (bool): leaves out the samples that do not fill a batch.
        rank (int): number of this process, from 0.
        world (int): number of processes.
        dataset (object): has `weights`, one a sample, where they are not written.

    Raises:
        DataError: there is no sample, or not one whole batch.
        ConfigError: a number is out of range.
    """

    def __init__(
        self, length, batch_size, weights=None, num_samples=0, seed=0, drop_last=True, rank=0, world=1, dataset=None
    ):
        weights = np.asarray(told(dataset, "weights", length) if weights is None else weights, np.float64)
        if weights.shape != (length,):
            raise ConfigError(f"{weights.size} weights for {length} samples")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ConfigError("weights must be finite, not negative, and not all 0")
        self.probabilities = weights / weights.sum()
        self.num_samples = num_samples or length
        super().__init__(length, batch_size, True, seed, drop_last, rank, world)

    def order(self, epoch):
        rng = random_for(self.seed, epoch, ORDER)
        drawn = rng.choice(self.length, self.num_samples, p=self.probabilities)
        return drawn + self.length * times_before(drawn)

    def batch_lengths(self):
        return cut(self.num_samples, self.batch_size * self.world, self.drop_last, self.world)


class GroupedSampler(EpochSampler):
    """Every batch holds samples of one group only, such as pictures of about the same shape.

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch, of one process.
        groups (list[int]): the group of each sample; null asks the data set.
        shuffle (bool): whether samples within a group, and the batches, come in random order.
        seed (int): of the order.
        drop_last (bool): leaves out the samples of each group that do not fill a batch.
        rank (int): number of this process, from 0.
        world (int): number of processes.
        dataset (object): has `groups`, one a sample, where they are not written.

    Raises:
        DataError: there is no sample, or not one whole batch.
        ConfigError: a number is out of range.
    """

    def __init__(
        self, length, batch_size, groups=None, shuffle=True, seed=0, drop_last=True, rank=0, world=1, dataset=None
    ):
        groups = np.asarray(told(dataset, "groups", length) if groups is None else groups)
        if groups.shape != (length,):
            raise ConfigError(f"{groups.size} groups for {length} samples")
        self.members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        super().__init__(length, batch_size, shuffle, seed, drop_last, rank, world)

    def batch_lengths(self):
        size = self.batch_size * self.world
        return [n for members in self.members for n in cut(len(members), size, self.drop_last, self.world)]

    def global_batches(self, epoch):
        size = self.batch_size * self.world
        rng = random_for(self.seed, epoch, ORDER)
        batches = []
        for members in self.members:
            order = rng.permutation(members) if self.shuffle else members
            batches += split(order, cut(len(members), size, self.drop_last, self.world))
        if self.shuffle:
            batches = [batches[k] for k in random_for(self.seed, epoch, MIX).permutation(len(batches))]
        return batches


class EvaluationSampler:
    """Batches for evaluation: every sample once, in order; each process has a contiguous part, of almost equal size.

    Args:
        length (int): number of samples of the data set.
        batch_size (int): samples a batch.
        rank (int): number of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: there is no sample.
        ConfigError: a number is out of range.
    """

    in_step = False

    def __init__(self, length, batch_size, rank=0, world=1):
        check_sizes(length, batch_size, rank, world)
        self.length, self.batch_size, self.rank, self.world = length, batch_size, rank, world

    def batches(self, epoch=0):
        """The batches of this process: a list of lists of indexes; the same in every epoch."""
        mine = part(np.arange(self.length), self.rank, self.world).tolist()
        return [mine[k : k + self.batch_size] for k in range(0, len(mine), self.batch_size)]

    def __len__(self):
        return len(self.batches())


class StreamSampler:
    """How an iterable data set is cut into batches; the data set itself decides on the order.

    Args:
        batch_size (int): samples a batch, of one process.
        steps (int): batches an epoch, as an endless stream needs; 0 reads the stream to its end.
        drop_last (bool): leaves out the samples that do not fill a batch at the end of each shard.
        rank (int): number of this process, from 0.
        world (int): number of processes.

    Raises:
        ConfigError: a number is out of range.
    """

    def __init__(self, batch_size, steps=0, drop_last=False, rank=0, world=1):
        check_sizes(1, batch_size, rank, world)
        if steps < 0:
            raise ConfigError(f"steps is {steps}; it must be 0 or more")
        self.batch_size, self.steps, self.drop_last, self.rank, self.world = batch_size, steps, drop_last, rank, world

    @property
    def in_step(self):
        """Whether the other processes wait for this one at every batch."""
        return self.world > 1 and self.steps > 0

    def __len__(self):
        if not self.steps:
            raise ConfigError(
                "a stream that is read to its end has no known number of batches; give its sampler `steps`"
            )
        return self.steps
