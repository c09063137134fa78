"""Batch samplers: which samples form which batch of an epoch.

A configuration selects one with `data.<split>.sampler: {type: GroupedSampler}`; the program supplies the arguments
`length`, `dataset`, `batch_size`, `seed`, `rank` and `world`. The `data/` folder of a kit may define further samplers.

Every sampler has `batches(epoch)`, a list of lists of indexes, and `len()`, the number of batches of every epoch.
The order is a function of (seed, epoch) alone. Batch sizes are per process; with `world` processes the epoch is divided
into global batches of `world * batch_size`, and each process gets a contiguous part of each, so that n processes
together process the same batches as one process with n times the batch size.

Samplers that depend on the samples use a method or attribute of the dataset with one number per sample:
    lengths   the length of each sample, in tokens, frames or seconds
    groups    the group of each sample, such as the aspect ratio of images
    weights   the relative sampling frequency
"""

import numpy as np

from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.log import logger

ORDER, MIX = 11, 12  # separate the random numbers of samplers from each other and from those of samples


class EpochSampler:
    """Batches for training: every sample once per epoch, shuffled in every epoch.

    Without `drop_last` the last batch is shorter; if it has fewer samples than there are processes it is dropped,
    because every process must take the same number of steps.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process.
        shuffle (bool): shuffles the samples.
        seed (int): seed of the order.
        drop_last (bool): drops the samples that do not fill a batch.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        repeat (int): number of times each sample occurs per epoch, each time with different random numbers.

    Raises:
        DataError: no samples, or less than one full batch.
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
        """True if the other processes wait for this one at every batch."""
        return self.world > 1

    def order(self, epoch):
        """The sample indexes of an epoch in order; index + k * length is the k-th repetition of a sample."""
        if not self.shuffle:
            return np.tile(np.arange(self.length), self.repeat) + self._offsets()
        rng = random_for(self.seed, epoch, ORDER)
        return np.concatenate([rng.permutation(self.length) for _ in range(self.repeat)]) + self._offsets()

    def batch_lengths(self):
        """The number of samples in each global batch."""
        return cut_lengths(self.length * self.repeat, self.batch_size * self.world, self.drop_last, self.world)

    def global_batches(self, epoch):
        """The global batches, those of all processes together: arrays of indexes."""
        return split_order(self.order(epoch), self.batch_lengths())

    def batches(self, epoch):
        """The batches of this process: a list of lists of indexes."""
        return [rank_part(batch, self.rank, self.world).tolist() for batch in self.global_batches(epoch)]

    def __len__(self):
        return len(self.batch_lengths())

    def check_batches(self, lengths):
        """Refuses an epoch without batches; warns if the last batch of a process has only one sample."""
        if not lengths:
            whole = f"{self.batch_size}" if self.world == 1 else f"{self.world} x {self.batch_size}"
            keep = f", or data.train.sampler={{type: {type(self).__name__}, drop_last: false}}"
            raise DataError(
                f"an epoch has 0 batches: {self.length * self.repeat} samples do not fill one batch of {whole}\n"
                f"  fix: a smaller train.batch_size{keep if self.drop_last and self.length >= self.world else ''}"
            )
        if self.batch_size > 1 and min(lengths) // self.world == 1:
            logger.warning(
                "the last batch of an epoch has 1 sample per process, too few for batch normalization; "
                "set drop_last: true to drop it"
            )

    def _offsets(self):
        return np.repeat(np.arange(self.repeat) * self.length, self.length)


class WeightedSampler(EpochSampler):
    """Weighted sampling with replacement.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process.
        weights (list[float]): non-negative relative weights, one per sample; null uses those of the dataset.
        num_samples (int): samples drawn per epoch; 0 draws as many as the dataset has.
        seed (int): seed of the order.
        drop_last (bool): drops the samples that do not fill a batch.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        dataset (object): has `weights`, one per sample, if `weights` is null.

    Raises:
        DataError: no samples, or less than one full batch.
        ConfigError: a number is out of range.
    """

    def __init__(
        self, length, batch_size, weights=None, num_samples=0, seed=0, drop_last=True, rank=0, world=1, dataset=None
    ):
        weights = np.asarray(sample_values(dataset, "weights", length) if weights is None else weights, np.float64)
        if weights.shape != (length,):
            raise ConfigError(f"{weights.size} weights for {length} samples")
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise ConfigError("weights must be finite, non-negative, and not all 0")
        self.probabilities = weights / weights.sum()
        self.num_samples = num_samples or length
        super().__init__(length, batch_size, True, seed, drop_last, rank, world)

    def order(self, epoch):
        rng = random_for(self.seed, epoch, ORDER)
        drawn = rng.choice(self.length, self.num_samples, p=self.probabilities)
        return drawn + self.length * count_earlier(drawn)

    def batch_lengths(self):
        return cut_lengths(self.num_samples, self.batch_size * self.world, self.drop_last, self.world)


class GroupedSampler(EpochSampler):
    """Batches of samples of the same group, such as images of similar aspect ratio.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process.
        groups (list[int]): the group of each sample; null uses those of the dataset.
        shuffle (bool): shuffles the samples within each group, and the batches.
        seed (int): seed of the order.
        drop_last (bool): drops the samples of each group that do not fill a batch.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        dataset (object): has `groups`, one per sample, if `groups` is null.

    Raises:
        DataError: no samples, or less than one full batch.
        ConfigError: a number is out of range.
    """

    def __init__(
        self, length, batch_size, groups=None, shuffle=True, seed=0, drop_last=True, rank=0, world=1, dataset=None
    ):
        groups = np.asarray(sample_values(dataset, "groups", length) if groups is None else groups)
        if groups.shape != (length,):
            raise ConfigError(f"{groups.size} groups for {length} samples")
        self.members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
        super().__init__(length, batch_size, shuffle, seed, drop_last, rank, world)

    def batch_lengths(self):
        size = self.batch_size * self.world
        return [n for members in self.members for n in cut_lengths(len(members), size, self.drop_last, self.world)]

    def global_batches(self, epoch):
        size = self.batch_size * self.world
        rng = random_for(self.seed, epoch, ORDER)
        batches = []
        for members in self.members:
            order = rng.permutation(members) if self.shuffle else members
            batches += split_order(order, cut_lengths(len(members), size, self.drop_last, self.world))
        if self.shuffle:
            batches = [batches[k] for k in random_for(self.seed, epoch, MIX).permutation(len(batches))]
        return batches


class EvaluationSampler:
    """Batches for evaluation: every sample once, in order, in contiguous parts of almost equal size per process.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch.
        rank (int): rank of this process, from 0.
        world (int): number of processes.

    Raises:
        DataError: no samples.
        ConfigError: a number is out of range.
    """

    in_step = False

    def __init__(self, length, batch_size, rank=0, world=1):
        check_sizes(length, batch_size, rank, world)
        self.length, self.batch_size, self.rank, self.world = length, batch_size, rank, world

    def batches(self, epoch=0):
        """The batches of this process: a list of lists of indexes; the same in every epoch."""
        mine = rank_part(np.arange(self.length), self.rank, self.world).tolist()
        return [mine[k : k + self.batch_size] for k in range(0, len(mine), self.batch_size)]

    def __len__(self):
        return len(self.batches())


class StreamSampler:
    """Batch size and epoch length of an iterable dataset, which determines the order itself.

    Args:
        batch_size (int): samples per batch and process.
        steps (int): batches per epoch, required for an endless stream; 0 reads the stream to its end.
        drop_last (bool): drops the samples that do not fill a batch at the end of each shard.
        rank (int): rank of this process, from 0.
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
        """True if the other processes wait for this one at every batch."""
        return self.world > 1 and self.steps > 0

    def __len__(self):
        if not self.steps:
            raise ConfigError("the number of batches of a stream is unknown; set `steps` of its sampler")
        return self.steps


def sample_values(dataset, name, length):
    """Gets one number per sample from a dataset, an array [length].

    Args:
        dataset (object): has `name` as a method without arguments, or as an attribute.
        name (str): lengths, groups or weights.
        length (int): the number of samples.

    Raises:
        ConfigError: the dataset lacks `name`, or it is not one number per sample.
    """
    found = getattr(dataset, name, None)
    if found is None:
        raise ConfigError(f"{type(dataset).__name__} does not provide the {name} of its samples")
    values = np.asarray(found() if callable(found) else found)
    if values.shape != (length,) or values.dtype.kind not in "iufb":
        shape = list(values.shape)
        raise ConfigError(f"{type(dataset).__name__} provides {name} of shape {shape} for {length} samples")
    return values


def aspect_groups(widths, heights, edges=(1.0,)):
    """The aspect-ratio group of each image: the number of `edges` at or below width / height."""
    return np.digitize(np.asarray(widths, np.float64) / np.asarray(heights, np.float64), edges)


def balanced_weights(labels):
    """Class-balancing weights, one per sample, with which every label is drawn equally often."""
    _, inverse, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    return 1.0 / counts[inverse]


def check_sizes(length, batch_size, rank, world):
    """Refuses an empty dataset and numbers out of range."""
    if batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it must be at least 1")
    if not 0 <= rank < world:
        raise ConfigError(f"process {rank} of {world} does not exist")
    if length < 1:
        raise DataError("the dataset has no samples")


def cut_lengths(length, size, drop_last, world):
    """The batch lengths of `length` samples; a last batch with fewer samples than processes is dropped."""
    whole, rest = divmod(length, size)
    return [size] * whole + ([rest] if rest >= world and not drop_last else [])


def split_order(order, lengths):
    """Splits an array into consecutive pieces of the given lengths."""
    ends = np.cumsum(lengths)
    return [order[end - length : end] for end, length in zip(ends, lengths)]


def rank_part(batch, rank, world):
    """The contiguous part of an array for one process; if uneven, the lowest ranks get one more."""
    if world == 1:
        return batch
    return np.array_split(batch, world)[rank]


def count_earlier(values):
    """For each value of an array, the number of its earlier occurrences."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.r_[0, np.flatnonzero(np.diff(ranked)) + 1]
    lengths = np.diff(np.r_[starts, len(ranked)])
    times = np.empty(len(values), np.int64)
    times[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return times
