"""Noise that generators make images of: random for training, fixed for evaluation, of a seed for inference.

Shapes in this file:
    Z numbers of noise, uniform from -1 to 1.
"""

import os
import zlib

import numpy as np

from common.data.transform import Transform, random_for
from common.errors import BadSample, DataIssue

LARGEST_SEED = 2**63 - 1


class RandomNoise(Transform):
    """Adds `noise` float32 [Z], other numbers in every epoch.

    Args:
        size (int): Z.
    """

    augments = True

    def __init__(self, size=100):
        self.size = size

    def __call__(self, sample, rng):
        sample["noise"] = uniform_noise(rng, self.size)
        return sample


class FixedNoise(Transform):
    """Adds `noise` float32 [Z], the same whenever a sample is read, so that evaluations can be compared.

    Args:
        size (int): Z.
    """

    def __init__(self, size=100):
        self.size = size

    def __call__(self, sample, rng):
        name = os.path.basename(str(sample.get("path", "")))
        sample["noise"] = uniform_noise(random_for(zlib.crc32(name.encode())), self.size)
        return sample


class SeededNoise(Transform):
    """Makes `noise` float32 [Z] of a text: the number that seeds it, after a comma behind the class if there is one.

    `ankle boot, 7` is the class `ankle boot` (`label` int64) and the seed 7; without a number the seed is 0.

    Args:
        size (int): Z.
        labels (list[str] | None): class names, of a generator that takes classes.
        classes (bool): the generator takes classes.
    """

    def __init__(self, size=100, labels=None, classes=True):
        if classes and not labels:
            raise ValueError("SeededNoise needs labels, the names of the classes; without classes set `classes: false`")
        self.size, self.labels, self.classes = size, labels, classes

    def __call__(self, sample, rng):
        text = str(sample.get("text_a", "")).strip()
        name, _, seed = text.rpartition(",") if self.classes else ("", "", text)
        if self.classes and not name:  # no comma: a class alone
            name, seed = text, "0"
        name, seed = name.strip(), seed.strip()
        if not (seed.isascii() and seed.isdigit() and int(seed) <= LARGEST_SEED):
            raise refusal(sample, f"{text[:60]!r} does not end in a seed, a number from 0")
        sample["noise"] = uniform_noise(random_for(int(seed)), self.size)
        if self.classes:
            known = list(self.labels or [])
            if name not in known:
                raise refusal(sample, f"{name[:60]!r} is no class; the classes are {', '.join(known)}")
            sample["label"] = np.int64(known.index(name))
        return sample


def uniform_noise(rng, size):
    """Numbers from -1 to 1, float32 [size]."""
    return rng.uniform(-1, 1, size).astype(np.float32)


def refusal(sample, message):
    """The BadSample (D126) of a text that noise cannot be made of."""
    fix = "write `CLASS, SEED`, such as `ankle boot, 7`, or for a generator without classes `SEED`"
    return BadSample(
        DataIssue("D126", "error", sample.get("path", "the text"), message, sample.get("place", ""), fix=fix)
    )
