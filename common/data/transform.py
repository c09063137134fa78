"""The base class of transforms and their random number generators."""

import numpy as np


class Transform:
    """One step of a pipeline: takes a sample (a dict) and returns the transformed sample.

    `extra` is the number of other samples the transform mixes in; they are passed as a third argument.
    A transform with `per_batch` takes and returns the list of samples of a batch instead of one sample.
    A transform with `augments` is a random augmentation; transforms that are fitted to data see samples without it.
    A transform with `makes_targets` draws what is to be predicted, in evaluation, too, though never in inference.
    A transform that reads what samples are made of may have `examine(transforms, inputs)`: the indexes of the first
    transform whose result is random and of the first that a model with these inputs cannot undo, each or None.
    A transform for tables also has `table(columns)`, which transforms a dict of arrays with one row per sample.
    A transform that makes the numbers of a network of an image may have `restore(image)`, which undoes it for display.
    `alike` are the arguments, or True for all but the files, that training and evaluation must have in common for the
    model to see the same inputs; a difference is a warning.
    All randomness comes from the generator passed to the call.
    """

    extra = 0
    per_batch = False
    augments = False
    makes_targets = False
    alike = ()

    def __call__(self, sample, rng):
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")

    def end_of_rows(self):
        """Called after the last rows of an epoch or of an input; a transform may warn of what it has seen in them."""


def random_for(*keys):
    """A random number generator seeded with non-negative integers, such as (seed, epoch, index)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(keys)))
