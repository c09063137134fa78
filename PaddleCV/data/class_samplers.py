"""Samplers for losses of pairs and triplets: which classes, and which of their images, are in a batch.

A batch of this process holds whole classes or whole triplets; n processes together take the batches that one process
takes of n times the size.  The order is a function of (seed, epoch) alone.
"""

import numpy as np

from common.data.samplers import ORDER, EpochSampler, count_earlier, sample_values
from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.log import logger


class ClassBatchSampler(EpochSampler):
    """P x K sampling: each batch has K images of each of P classes, one class after the other.

    The classes are shuffled and taken in turn, so that all occur equally often; a class gives its images in a shuffled
    order, all of them before one comes again.  An epoch has as many images as the classes that are used.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process, P times K.
        per_class (int): K, 2 or more.
        few (str): classes with fewer than K images: `skip` leaves them out, `repeat` takes images several times, each
            time with other random numbers.
        seed (int): seed of the order.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        dataset (object): has `targets`, the class of each sample.

    Raises:
        DataError: no class has enough images.
        ConfigError: a number is out of range, or there are fewer classes than a batch has.
    """

    def __init__(self, length, batch_size, per_class=2, few="skip", seed=0, rank=0, world=1, dataset=None):
        if per_class < 2 or batch_size % per_class:
            raise ConfigError(
                f"a batch of {batch_size} images does not consist of {per_class} images (2 or more) a class"
            )
        if few not in ("skip", "repeat"):
            raise ConfigError(f"few is {few!r}; it must be skip or repeat")
        self.per_class, self.few = per_class, few
        self.members = classes_with(per_class, few, dataset, length)
        self.at_once = batch_size * world // per_class
        if self.at_once > len(self.members):
            raise ConfigError(
                f"a batch of {batch_size * world} images, {per_class} of a class, needs {self.at_once} classes; "
                f"{len(self.members)} have enough images\n  fix: a smaller train.batch_size, or a larger per_class"
            )
        super().__init__(length, batch_size, True, seed, True, rank, world)

    def batch_lengths(self):
        size, images = self.batch_size * self.world, sum(map(len, self.members))
        return [size] * max(1, images // size)

    def order(self, epoch):
        rng, waiting, drawn = random_for(self.seed, epoch, ORDER), {}, []
        turns = len(self.members) // self.at_once  # batches of one shuffling
        for step in range(len(self)):
            if step % turns == 0:
                classes = rng.permutation(len(self.members))
            start = step % turns * self.at_once
            for number in classes[start : start + self.at_once].tolist():
                drawn += self.take(number, waiting, rng)
        drawn = np.array(drawn, np.int64)
        return drawn + self.length * count_earlier(drawn)

    def take(self, number, waiting, rng):
        """K images of a class, those that wait first; a class with fewer images than K repeats them."""
        members, queue = self.members[number], waiting.get(number, [])
        if len(members) < self.per_class:
            return np.resize(rng.permutation(members), self.per_class).tolist()
        if len(queue) < self.per_class:
            again = rng.permutation(members).tolist()
            queue = queue + [image for image in again if image not in queue] + queue
        waiting[number] = queue[self.per_class :]
        return queue[: self.per_class]


class TripletSampler(EpochSampler):
    """Triplets one after the other: an anchor, another image of its class, and an image of another class.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process, a multiple of 3.
        seed (int): seed of the order.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        dataset (object): has `targets`, the class of each sample.

    Raises:
        DataError: no class has two images, or there is one class only.
        ConfigError: a number is out of range.
    """

    def __init__(self, length, batch_size, seed=0, rank=0, world=1, dataset=None):
        if batch_size % 3:
            raise ConfigError(f"a batch of {batch_size} images does not consist of triplets: it is no multiple of 3")
        self.paired = classes_with(2, "skip", dataset, length)
        self.targets = sample_values(dataset, "targets", length)
        if len(np.unique(self.targets)) < 2:
            raise DataError("all images have the same class: there is no triplet")
        super().__init__(length, batch_size, True, seed, True, rank, world)

    def order(self, epoch):
        rng, count = random_for(self.seed, epoch, ORDER), sum(self.batch_lengths()) // 3
        turns = -(-count // len(self.paired))
        classes = np.concatenate([rng.permutation(len(self.paired)) for _ in range(turns)])[:count]
        drawn = np.empty((count, 3), np.int64)
        for row, number in zip(drawn, classes.tolist()):
            row[:2] = rng.choice(self.paired[number], 2, replace=False)
            row[2] = rng.integers(self.length)
            while self.targets[row[2]] == self.targets[row[0]]:
                row[2] = rng.integers(self.length)
        drawn = drawn.reshape(-1)
        return drawn + self.length * count_earlier(drawn)


def classes_with(count, few, dataset, length):
    """The sample indexes of each class that has so many, or with `repeat` of every class (list of int arrays).

    Raises:
        DataError: no class has enough images.
    """
    targets = sample_values(dataset, "targets", length)
    members = [np.flatnonzero(targets == number) for number in np.unique(targets)]
    small = [rows for rows in members if len(rows) < count]
    if small:
        labels = getattr(dataset, "labels", None)
        name = labels[int(targets[small[0][0]])] if labels else int(targets[small[0][0]])
        done = "left out of training" if few == "skip" else "repeated"
        logger.warning(
            "%d of %d classes have fewer than %d images, such as %s (%d), and are %s",
            *(len(small), len(members), count, name, len(small[0]), done),
        )
    found = members if few == "repeat" else [rows for rows in members if len(rows) >= count]
    if not found:
        raise DataError(f"error[D117] no class has {count} images, which this sampler needs of a class")
    return found
