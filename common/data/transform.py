"""What a step of a data pipeline is, and where its randomness comes from."""

import numpy as np


class Transform:
    """One step of a pipeline: takes a sample (a dict), returns it changed.

    `extra` is the number of other samples the step mixes in; they arrive as a third argument.
    A step with `per_batch` takes and returns the list of samples of a batch instead of one sample.
    A step with `augments` makes samples differ at random; transforms that learn from data see them without it.
    A step for tables has `table(columns)` besides: a dict of arrays with a row a sample, changed for all rows at once.
    All randomness comes from the generator given to the call.
    """

    extra = 0
    per_batch = False
    augments = False

    def __call__(self, sample, rng):
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")


def random_for(*keys):
    """A generator that is a function of the given non-negative integers alone, such as (seed, epoch, index)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(keys)))
