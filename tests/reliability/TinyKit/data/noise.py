"""Images of noise, brighter for higher classes, and their augmentation."""

import itertools

import numpy as np

from common.data.transform import Transform, random_for


class Noise:
    """A dataset that needs no files.

    Args:
        length (int): number of samples.
        seed (int): of the images.
    """

    labels = ["dark", "gray", "bright"]
    num_classes = 3
    padding = {}

    def __init__(self, length, seed=0):
        self.length, self.seed = length, seed

    def __len__(self):
        return self.length

    def weights(self):
        """How often each image is drawn: bright ones alone."""
        return [float(index % 3 == 2) for index in range(self.length)]

    def groups(self):
        """Which images share their batches: those of one class."""
        return [index % 3 for index in range(self.length)]

    def __getitem__(self, index):
        rng = random_for(self.seed, index)
        label = index % 3
        image = rng.normal(label, 1.0, (3, 8, 8)).astype(np.float32)
        return {"image": image, "label": np.int64(label), "image_id": index, "path": f"noise{index}"}


class NoiseStream:
    """The same images as a stream in which only the reading tells how many there are.

    Args:
        length (int): number of samples; 0 never ends.
        seed (int): of the images.
    """

    labels, num_classes, padding = Noise.labels, Noise.num_classes, {}

    def __init__(self, length, seed=0):
        self.noise, self.length = Noise(length, seed), length

    def iterate(self, shard, num_shards, epoch):
        """The samples of a part of an epoch."""
        numbers = itertools.count(shard, num_shards)
        for number in itertools.takewhile(lambda n: not self.length or n < self.length, numbers):
            yield self.noise[number]


class Shake(Transform):
    """Adds noise and turns some images over.

    Args:
        strength (float): standard deviation of the noise.
    """

    def __init__(self, strength=0.5):
        self.strength = strength

    def __call__(self, sample, rng):
        image = sample["image"] + rng.normal(0, self.strength, (3, 8, 8)).astype(np.float32)
        sample["image"] = np.ascontiguousarray(image[:, :, ::-1]) if rng.random() < 0.5 else image
        return sample
