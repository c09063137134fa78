"""Transform pipelines over samples and batches, whose result is a function of (seed, epoch, index) alone.

A pipeline has two stages, separated at the first transform with `per_batch`: the transforms before it process single
samples, that one and all later ones process batches. A transform with `extra` mixes in other samples of the dataset,
to which the preceding transforms have been applied.
"""

import copy
import dataclasses
from collections.abc import Sequence

import numpy as np

from common.data.transform import random_for
from common.errors import BadSample, ConfigError, DataError, DataIssue, KitError

# Trailing keys that separate the random number streams; not 0, because a SeedSequence pads with zeros.
BATCH, OTHER, STREAM = 1, 2, 3


class LazySamples(Sequence):
    """The extra samples of a mixing transform, each prepared on first access.

    Args:
        prepare (list[callable]): one per sample, without arguments.
    """

    def __init__(self, prepare):
        self._prepare = prepare
        self._samples = [None] * len(prepare)

    def __len__(self):
        return len(self._samples)

    def __getitem__(self, position):
        if isinstance(position, slice):
            return [self[k] for k in range(len(self))[position]]
        if self._samples[position] is None:
            self._samples[position] = self._prepare[position]()
        return self._samples[position]


class Pipeline:
    """The transforms of a dataset and the seed of their randomness.

    An index at or above the length of the dataset is a repeated visit: it reads sample `index % len(dataset)` with
    different random numbers.

    Args:
        transforms (list[Transform]): in order of application.
        seed (int): seed of all randomness, 0 or more.

    Raises:
        ConfigError: a transform that mixes in other samples follows a batch transform.
    """

    def __init__(self, transforms, seed=0):
        self.transforms = list(transforms)
        self.seed = seed
        batch_starts = [k for k, transform in enumerate(self.transforms) if transform.per_batch]
        cut = batch_starts[0] if batch_starts else len(self.transforms)
        self.sample_stage, self.batch_stage = self.transforms[:cut], self.transforms[cut:]
        for transform in self.batch_stage:
            if transform.extra:
                raise ConfigError(
                    f"{type(transform).__name__} mixes in other samples and must precede "
                    f"{type(self.batch_stage[0]).__name__}, which works on batches"
                )

    @property
    def mixes(self):
        """True if a transform mixes in other samples, which requires a map-style dataset."""
        return any(transform.extra for transform in self.sample_stage)

    def sample(self, dataset, index, epoch):
        """Sample `index` of the dataset after the sample stage.

        Raises:
            BadSample: reading or transforming it failed; `.index` is the failed sample, which may be an extra one.
        """
        return self._sample(dataset, index, epoch, random_for(self.seed, epoch, index), self.sample_stage)

    def streamed(self, sample, shard, position, epoch):
        """The `position`-th sample of a shard of a stream after the sample stage; raises like `sample`."""
        rng = random_for(self.seed, epoch, shard, position, STREAM)
        return self._run(lambda: sample, (shard, position), epoch, rng, self.sample_stage, None)

    def table(self, columns):
        """Applies all transforms to columns (dict of arrays, one row per sample); each transform has `table`.

        Raises:
            BadRows: with the issues of the bad rows.
        """
        for transform in self.transforms:
            columns = transform.table(columns)
        return columns

    def batch(self, samples, epoch, step):
        """Applies the batch stage to the samples of a batch; the random numbers depend on (seed, epoch, step).

        Raises:
            DataError: a transform failed; names the transform and the samples of the batch.
        """
        rng = random_for(self.seed, epoch, step, BATCH)
        for transform in self.batch_stage:
            try:
                if transform.per_batch:
                    samples = transform(samples, rng)
                else:
                    samples = [transform(sample, rng) for sample in samples]
            except KitError:
                raise
            except Exception as error:
                raise DataError(
                    f"{type(transform).__name__} failed on batch {step} of epoch {epoch}: {error_line(error)}\n"
                    f"  its samples: {sample_paths(samples)}"
                ) from error
        return samples

    def _sample(self, dataset, index, epoch, rng, transforms):
        place = int(index) % len(dataset)

        def others(position):
            drawn = rng.integers(len(dataset), size=transforms[position].extra)
            keys = rng.integers(2**32, size=len(drawn))
            return LazySamples([other(int(i), int(key), transforms[:position]) for i, key in zip(drawn, keys)])

        def other(i, key, before):
            return lambda: self._sample(dataset, i, epoch, random_for(self.seed, epoch, i, key, OTHER), before)

        return self._run(lambda: dataset[place], place, epoch, rng, transforms, others)

    def _run(self, read, place, epoch, rng, transforms, others):
        stage, sample = "reading", {}
        try:
            sample = private_copy(read())
            sample["epoch"] = epoch
            for position, transform in enumerate(transforms):
                stage, before = type(transform).__name__, sample
                if transform.extra:
                    sample = transform(sample, rng, others(position))
                else:
                    sample = transform(sample, rng)
                if not isinstance(sample, dict):
                    returned, sample = type(sample).__name__, before
                    raise TypeError(f"it returned {returned} instead of the sample")
            return sample
        except KitError as error:
            if not isinstance(error, DataError) or hasattr(error, "index"):
                raise
            raise locate_error(error, place, sample, stage) from error
        except Exception as error:
            raise locate_error(error, place, sample, stage) from error


def private_copy(sample):
    """A deep copy of a sample, which transforms may modify in place."""
    if not isinstance(sample, dict):
        raise TypeError(f"a dataset must return dicts, not {type(sample).__name__}")
    return {
        name: value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value) for name, value in sample.items()
    }


def locate_error(error, place, sample, stage):
    """Converts an exception to a BadSample that names the sample, its file and the failed stage.

    Args:
        error (Exception): the exception.
        place (int | tuple[int, int]): index in the dataset, or (shard, position) in a stream.
        sample (dict): the sample as far as it was prepared; empty if reading failed.
        stage (str): the transform that failed, or `reading`.
    """
    where = f"sample {place}" if isinstance(place, int) else f"sample {place[1]} of shard {place[0]}"
    if isinstance(error, BadSample):
        issue = error.issue
        issue = dataclasses.replace(issue, place=f"{issue.place}, {where}" if issue.place else where)
    else:
        file = sample.get("path") or getattr(error, "filename", None) or "(file unknown)"
        issue = DataIssue("D100", "error", str(file), f"{stage} failed: {error_line(error)}", place=where)
    bad = BadSample(issue)
    bad.index = place
    return bad


def error_line(error):
    """Formats the type and message of an exception in one line of at most 300 characters."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def sample_paths(samples, most=4):
    """The file paths of the first few samples, for messages."""
    paths = [str(sample.get("path", "?")) for sample in samples[:most]]
    return ", ".join(paths) + (f" and {len(samples) - most} more" if len(samples) > most else "")
