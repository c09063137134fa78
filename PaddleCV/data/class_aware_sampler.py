"""Class-aware sampling against classes of very different frequency (Shen et al. 2016, https://arxiv.org/abs/1512.05830,
section 4.3): a class is drawn, all of them alike, then one of its images.

The order is a function of (seed, epoch) alone; n processes together take the batches of one process with n times the
batch size.
"""

import numpy as np

from common.data.samplers import ORDER, EpochSampler, count_earlier, cut_lengths
from common.data.transform import random_for
from common.errors import ConfigError, DataError
from common.log import counted, logger


class ClassAwareSampler(EpochSampler):
    """Draws a class with equal probability, then an image that has it, both with replacement.

    An image that is drawn again in an epoch comes with other random numbers.  Images without objects are not drawn.

    Args:
        length (int): number of samples of the dataset.
        batch_size (int): samples per batch and process.
        num_samples (int): samples drawn per epoch; 0 draws as many as the dataset has.
        seed (int): seed of the order.
        drop_last (bool): drops the samples that do not fill a batch.
        rank (int): rank of this process, from 0.
        world (int): number of processes.
        dataset (object): has `image_classes()`, the image and the class of each pair that occurs; or `targets`, the
            class of each sample.

    Raises:
        DataError: no samples, no objects, or less than one full batch.
        ConfigError: the dataset has no classes, or a number is out of range.
    """

    def __init__(
        self, length, batch_size, num_samples=0, seed=0, drop_last=True, rank=0, world=1, dataset=None
    ):  # fmt: skip
        if num_samples < 0:
            raise ConfigError(f"num_samples is {num_samples}; allowed: 0 or more")
        self.num_samples = num_samples or length
        images, classes = pairs_of(dataset)
        if not len(images):
            raise DataError("no image has an object of any class to draw")
        order = np.argsort(classes, kind="stable")
        self.images = images[order]
        found, self.starts, self.counts = np.unique(classes[order], return_index=True, return_counts=True)
        lacking = (getattr(dataset, "num_classes", None) or len(found)) - len(found)
        if lacking > 0:
            logger.warning("%s without an image; the other %d are drawn", counted(lacking, "class"), len(found))
        super().__init__(length, batch_size, True, seed, drop_last, rank, world)

    def batch_lengths(self):
        """The number of samples in each global batch."""
        return cut_lengths(self.num_samples, self.batch_size * self.world, self.drop_last, self.world)

    def order(self, epoch):
        """The sample indexes of an epoch; index + k * length is the k-th repetition of a sample."""
        rng = random_for(self.seed, epoch, ORDER)
        classes = rng.integers(len(self.starts), size=self.num_samples)
        places = rng.integers(self.counts[classes])
        drawn = self.images[self.starts[classes] + places]
        return drawn + self.length * count_earlier(drawn)


def pairs_of(dataset):
    """The image and the class, int64 [P] each, of all pairs of which the image has the class.

    Raises:
        ConfigError: the dataset tells no classes.
    """
    if hasattr(dataset, "image_classes"):
        images, classes = dataset.image_classes()
        return np.asarray(images, np.int64), np.asarray(classes, np.int64)
    targets = getattr(dataset, "targets", None)
    if targets is None:
        raise ConfigError(
            f"{type(dataset).__name__} does not provide the classes of its samples (image_classes, targets)"
        )
    targets = np.asarray(targets() if callable(targets) else targets, np.int64)
    return np.arange(len(targets)), targets
